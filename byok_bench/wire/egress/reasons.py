"""Reason codes of an egress verdict, each with what its reader should change.

No rule in here, only its name and its words. No text may repeat a part of the URL but the normalised host, the
port and a judged address: anything else a person pastes can hold a credential. Rules: docs/egress.md.
"""

from typing import Final

import msgspec

REASONS: Final = {
    "ok": "{target} may be called{detail}.",
    "invalid_url": "This is no base URL. Write it whole: https://, a host name, and a path if the server has one.",
    "url_too_long": "This is longer than 2048 characters. Enter the base URL alone.",
    "invalid_character": "The URL holds {detail}. Delete it, or type the URL by hand.",
    "missing_scheme": "Put https:// in front (or http:// for a server on this machine).",
    "scheme_not_allowed": "Only https:// and http:// can be called. Put one of them in front.",
    "missing_host": "There is no host between // and the path. Add it.",
    "invalid_host": "The host is malformed{detail}. Correct it; an IPv6 address goes in brackets.",
    "numeric_host": "A host of numbers must be four plain decimal numbers from 0 to 255, without leading zeros.",
    "confusable_host": "The host holds characters that stand for plain ASCII ones. Type it in plain ASCII.",
    "zone_id": "An IPv6 zone (the part from % on) cannot be called. Write the address without it.",
    "bad_port": "The port must be a number from 1 to 65535. Correct it, or leave it out together with its colon.",
    "userinfo_not_allowed": "Remove everything from // up to the @. Credentials have a field of their own.",
    "query_not_allowed": "Remove the ? and what follows. Query parameters have a field of their own.",
    "fragment_not_allowed": "Remove the # and what follows.",
    "invalid_path": "The path has a . or .. segment, a broken % escape, or an escape for a control character or one "
    "of / \\ ? #. Write the path plainly.",
    "insecure_http": "{target} would be called without encryption. Use https://{detail}.",
    "port_not_allowed": "Port {port} is not open in the shared profile. Use 443 or 8443, or have the administrator "
    "list it in allow_ports.",
    "host_denied": "{target} is in the policy's deny_hosts. Use another endpoint, or ask who keeps the policy.",
    "host_not_allowed": "{target} is not in the policy's only_hosts. Use a listed host, or ask who keeps the policy.",
    "reserved_name": "{target} is a name of a private network. Run this endpoint from your own machine (profile "
    "local), use its full public name, or have the administrator list it in allow_hosts.",
    "metadata_host": "{target} is a cloud's metadata service, which is never called. Use the endpoint's own host.",
    "dns_failed": "{target} has no address{detail}. Check the spelling, and the network or VPN it needs.",
    "dns_invalid_answer": "The answer for {target} holds something that is no IP address. Check the name server.",
    "address_denied": "{target} is in the policy's deny_cidrs. Use another endpoint, or ask who keeps the policy.",
    "bad_profile": "The profile must be local or shared. Correct the setting of the process.",
    "bad_policy": "The policy cannot be used: {detail}. Correct it; nothing is called until then.",
    "metadata_address": "{target} is a cloud's metadata service, which is never called. Use the endpoint's own host.",
    "link_local_address": "{target} is link-local, which is never called. Use the server's ordinary address.",
    "unspecified_address": "{target} is an address to listen on, not to call. For a server on this machine use "
    "127.0.0.1.",
    "multicast_address": "{target} is multicast, which is never called. Use the server's own address.",
    "loopback_address": "{target} is this machine itself. Run the endpoint from your own machine (profile local), "
    "or have the administrator list it in allow_cidrs.",
    "private_address": "{target} is in a private network. Run the endpoint from your own machine (profile local), "
    "or have it listed in allow_cidrs.",
    "shared_nat_address": "{target} is behind a carrier's or overlay network's address translation. Run the endpoint "
    "from your own machine (profile local), or have it listed in allow_cidrs.",
    "documentation_address": "{target} is reserved for examples. Enter the server's real address.",
    "benchmark_address": "{target} is a benchmark range, which also serves as a stand-in on machines with a proxy "
    "client. Use the host name over https, or have the range listed in allow_cidrs.",
    "reserved_address": "{target} is in a reserved range where no API lives. Enter the server's real address, or "
    "have it listed in allow_cidrs.",
    "transition_address": "{target} leads to IPv4 through a tunnel or translator. Use the server's IPv4 or native "
    "IPv6 address, or have the outer address listed in allow_cidrs.",
}
"""Reason code → words with `{target}`, `{port}` and `{detail}`."""
DNS_REASONS: Final = frozenset({"dns_failed", "dns_invalid_answer"})
"""Reasons that the lookup gave, before any address was judged."""

NOTES: Final = (
    "trimmed", "trailing_dot", "idna", "route_stripped", "trailing_slash", "hint_missing_v1", "fake_ip_range",
)  # fmt: skip
"""What was changed or is worth a look, in the order in which a verdict lists them."""


class EgressRefusal(Exception):
    """A rule failed: `reason` is one of REASONS, `target` and `detail` are safe to show."""

    def __init__(self, reason: str, detail: str = "", *, target: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.target = target


class UrlTrail(msgspec.Struct, kw_only=True):
    """What was read of a URL so far; a block shows it too."""

    host: str | None = None
    """Normalised host without brackets."""
    port: int | None = None
    """Port that would be dialled."""
    notes: list[str] = msgspec.field(default_factory=list)
    """Some of NOTES."""


def explain_reason(reason: str, *, target: str | None, port: int | None, detail: str) -> str:
    """The sentence of `reason` for a reader."""
    return REASONS[reason].format(target=target or "This host", port=port, detail=detail)
