"""judge(): may this base URL be called, and at which addresses.

The rules in their order, the first failure names the reason; everything fails closed. Syntax is read in base_urls.py,
lists in policy_lists.py, address classes in addresses.py, words in reasons.py. Never connects.
Rules: docs/egress.md.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from byok_bench.wire.egress.addresses import (
    GLOBAL,
    HARD_CLASSES,
    Address,
    Place,
    locate_address,
    parse_address,
)
from byok_bench.wire.egress.base_urls import BaseUrl, read_base_url
from byok_bench.wire.egress.policy_lists import Policy, has_any_address, is_host_listed, parse_policy
from byok_bench.wire.egress.reasons import EgressRefusal, UrlTrail, explain_reason

PROFILES: Final = ("local", "shared")
SHARED_PORTS: Final = (443, 8443)
SPECIAL_SUFFIXES: Final = (
    "localhost", "local", "internal", "localdomain", "lan", "home", "corp", "intranet", "private", "home.arpa",
    "onion", "invalid", "test", "example", "svc", "cluster.local", "in-addr.arpa", "ip6.arpa", "alt",
)  # fmt: skip
"""Names that public DNS should not answer (RFC 6761, and what private networks use)."""
METADATA_HOSTS: Final = (
    "metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal",
    "metadata.tencentyun.com", "metadata.azure.internal", "metadata.platformequinix.com",
)  # fmt: skip
NEARBY: Final = {
    "loopback_address": "this machine",
    "private_address": "a private network",
    "shared_nat_address": "a carrier's or overlay network's address translation",
}
"""Classes that the local profile calls, over http too, and where they lead."""
LOCALHOST_ADDRESSES: Final = ("127.0.0.1", "::1")
FAKE_IP_CLASS: Final = "benchmark_address"
"""What resolvers of proxy clients on laptops answer with; only its IPv4 range is in use for that."""

Lookup = Callable[[str], list[str]]
DnsAnswer = Sequence[str] | BaseException
"""What DNS said of one host; an exception is no answer."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """May this URL be called."""

    action: Literal["allow", "block"]
    reason: str
    """`ok`, or the code of the first rule that failed (reasons.py)."""
    addresses: list[str] = msgspec.field(default_factory=list)
    """Every address that may be dialled, in resolver order; empty for a block."""
    base_url: str | None = None
    """Normalised; None for a block."""
    host: str | None = None
    """Normalised, without brackets; None if it was not read."""
    port: int | None = None
    """The port that is dialled; None if it was not read."""
    notes: list[str] = msgspec.field(default_factory=list)
    """What was changed or is worth a look."""
    message: str = ""
    """What to change; holds nothing of the URL but host and port."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A URL that passed every rule that needs no address."""

    base: BaseUrl
    profile: str
    policy: Policy

    @property
    def known_addresses(self) -> tuple[str, ...]:
        """Its addresses, where no lookup may be made: a literal, or localhost; else empty."""
        if self.base.host.literal is not None:
            return (str(self.base.host.literal),)
        return LOCALHOST_ADDRESSES if _is_under(self.base.host.name, "localhost") else ()


def judge(
    url: str, profile: str, resolver: Lookup | None = None, policy: Mapping[str, Any] | Policy | None = None
) -> Verdict:
    """Judge a base URL. Never raises but for Ctrl-C, never connects; blocks whatever it cannot understand.

    `resolver` maps a normalised ASCII host to addresses (None: getaddrinfo) and is asked at most once.
    """
    question = prepare_question(url, profile, policy)
    if isinstance(question, Verdict):
        return question
    answer = question.known_addresses or ask_resolver(
        look_up_host if resolver is None else resolver, question.base.host.name
    )
    if isinstance(answer, KeyboardInterrupt):
        raise answer
    return conclude_verdict(question, answer)


def prepare_question(url: object, profile: object, policy: object = None) -> Question | Verdict:
    """Everything before DNS: what is left to ask, or a block."""
    trail = UrlTrail()
    try:
        if not isinstance(profile, str) or profile not in PROFILES:
            raise EgressRefusal("bad_profile")
        lists = parse_policy(policy)
        question = Question(base=read_base_url(url, trail), profile=profile, policy=lists)
        for rule in (
            _check_denied_hosts,
            _check_metadata_name,
            _check_only_hosts,
            _check_reserved_name,
            _check_plain_http,
            _check_port,
        ):
            rule(question)
    except EgressRefusal as refused:
        return _make_block(refused, trail)
    except Exception:  # noqa: BLE001 - what cannot be understood is blocked
        return _make_block(EgressRefusal("invalid_url"), trail)
    return question


def conclude_verdict(question: Question, answer: DnsAnswer) -> Verdict:
    """Everything from DNS on."""
    base = question.base
    trail = UrlTrail(host=base.host.name, port=base.port, notes=list(base.notes))
    try:
        places = [locate_address(one, question.policy.nat64_prefixes) for one in _read_answer(answer)]
        for place in places:
            _check_place(question, place)
        _check_http_by_address(question, places)
    except EgressRefusal as refused:
        return _make_block(refused, trail)
    except Exception:  # noqa: BLE001 - what cannot be understood is blocked
        return _make_block(EgressRefusal("dns_invalid_answer"), trail)
    if any(_is_fake_ip(question, place) for place in places):
        trail.notes.append("fake_ip_range")
    return Verdict(
        action="allow",
        reason="ok",
        addresses=list(dict.fromkeys(str(place.address) for place in places)),
        base_url=str(base),
        host=trail.host,
        port=trail.port,
        notes=trail.notes,
        message=explain_reason("ok", target=trail.host, port=trail.port, detail=_describe_places(places)),
    )


def look_up_host(host: str) -> list[str]:
    """Addresses of a host as the system resolves it. Raises OSError."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def ask_resolver(resolver: Lookup, host: str) -> DnsAnswer:
    """What a resolver says of a host, its exception as a value."""
    try:
        return resolver(host)
    except BaseException as error:  # noqa: BLE001 - a resolver may be any function; its failure is dns_failed
        return error


def _check_denied_hosts(question: Question) -> None:
    if is_host_listed(question.base.host.subject, question.policy.deny_hosts):
        raise EgressRefusal("host_denied")


def _check_metadata_name(question: Question) -> None:
    if question.base.host.name in METADATA_HOSTS:
        raise EgressRefusal("metadata_host")


def _check_only_hosts(question: Question) -> None:
    only = question.policy.only_hosts
    if only is not None and not is_host_listed(question.base.host.subject, only):
        raise EgressRefusal("host_not_allowed")


def _check_reserved_name(question: Question) -> None:
    host = question.base.host
    if (
        question.profile != "shared"
        or host.literal is not None
        or is_host_listed(host.subject, question.policy.allow_hosts)
    ):
        return
    if "." not in host.name or any(_is_under(host.name, suffix) for suffix in SPECIAL_SUFFIXES):
        raise EgressRefusal("reserved_name")


def _check_plain_http(question: Question) -> None:
    if question.profile == "shared" and question.base.scheme == "http" and not _is_http_listed(question):
        raise EgressRefusal("insecure_http")


def _check_port(question: Question) -> None:
    open_ports = (*SHARED_PORTS, *question.policy.allow_ports)
    if question.profile == "shared" and question.base.port not in open_ports:
        raise EgressRefusal("port_not_allowed")


def _read_answer(answer: DnsAnswer) -> list[Address]:
    if isinstance(answer, BaseException):
        words = answer.strerror if isinstance(answer, socket.gaierror) else ""
        raise EgressRefusal("dns_failed", f" ({words})" if words else "")
    if not isinstance(answer, (list, tuple)):
        raise EgressRefusal("dns_invalid_answer")
    if not answer:
        raise EgressRefusal("dns_failed")
    try:
        return [parse_address(text) for text in answer]
    except ValueError:
        raise EgressRefusal("dns_invalid_answer") from None


def _check_place(question: Question, place: Place) -> None:
    policy = question.policy
    if place.reason in HARD_CLASSES:
        raise _make_place_refusal(question, place, place.reason)
    if has_any_address(policy.deny_cidrs, (place.address, *place.inner)):
        raise _make_place_refusal(question, place, "address_denied")
    if _is_lifted(policy, place) or place.reason == GLOBAL or _is_fake_ip(question, place):
        return
    if question.profile == "local" and place.reason in NEARBY and not place.is_translated:
        return
    raise _make_place_refusal(question, place, place.reason)


def _check_http_by_address(question: Question, places: Sequence[Place]) -> None:
    if question.base.scheme == "https":
        return
    if question.profile == "local":
        if not _is_http_listed(question) and not all(place.reason in NEARBY for place in places):
            raise EgressRefusal("insecure_http", ", or have the host listed in allow_http_hosts")
    elif not all(_is_lifted(question.policy, place) for place in places):
        raise EgressRefusal("insecure_http", ", or have every address listed in allow_cidrs too")


def _is_http_listed(question: Question) -> bool:
    return is_host_listed(question.base.host.subject, question.policy.allow_http_hosts)


def _is_lifted(policy: Policy, place: Place) -> bool:
    # A tunnel's inner address says nothing of where the tunnel ends, so only its outer address counts.
    return has_any_address(policy.allow_cidrs, (place.address, *(place.inner if place.is_translated else ())))


def _is_fake_ip(question: Question, place: Place) -> bool:
    return (
        place.reason == FAKE_IP_CLASS
        and place.address.version == 4
        and question.profile == "local"
        and question.base.scheme == "https"
        and question.base.host.literal is None
        and not _is_lifted(question.policy, place)
    )


def _is_under(host: str, suffix: str) -> bool:
    return host == suffix or host.endswith(f".{suffix}")


def _describe_places(places: Sequence[Place]) -> str:
    found = dict.fromkeys(NEARBY[place.reason] for place in places if place.reason in NEARBY)
    return f"; it leads to {' and '.join(found)}" if found else ""


def _make_place_refusal(question: Question, place: Place, reason: str) -> EgressRefusal:
    host = question.base.host.name
    return EgressRefusal(reason, target=host if host == str(place) else f"{host} ({place})")


def _make_block(refused: EgressRefusal, trail: UrlTrail) -> Verdict:
    words = explain_reason(refused.reason, target=refused.target or trail.host, port=trail.port, detail=refused.detail)
    return Verdict(
        action="block",
        reason=refused.reason,
        host=trail.host,
        port=trail.port,
        notes=trail.notes,
        message=words,
    )
