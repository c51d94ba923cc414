"""judge(): may this base URL be called, and at which addresses.

The rules in their order, the first failure names the reason; everything fails closed. Syntax is read in urls.py,
lists in policy_lists.py, address classes in addresses.py, words in reasons.py. Never connects.
Rules: docs/egress.md.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from byok_bench.wire.addresses import GLOBAL, HARD, Address, Place, locate, parse
from byok_bench.wire.policy_lists import Policy, holds, matches, parse_policy
from byok_bench.wire.reasons import Refused, Trail, explain
from byok_bench.wire.urls import BaseUrl, read_base_url

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
Answer = Sequence[str] | BaseException
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
    def known(self) -> tuple[str, ...]:
        """Its addresses, where no lookup may be made: a literal, or localhost; else empty."""
        if self.base.host.literal is not None:
            return (str(self.base.host.literal),)
        return LOCALHOST_ADDRESSES if _under(self.base.host.name, "localhost") else ()


def judge(
    url: str, profile: str, resolver: Lookup | None = None, policy: Mapping[str, Any] | Policy | None = None
) -> Verdict:
    """Judge a base URL. Never raises but for Ctrl-C, never connects; blocks whatever it cannot understand.

    `resolver` maps a normalised ASCII host to addresses (None: getaddrinfo) and is asked at most once.
    """
    question = ask(url, profile, policy)
    if isinstance(question, Verdict):
        return question
    answer = question.known or answer_of(look_up if resolver is None else resolver, question.base.host.name)
    if isinstance(answer, KeyboardInterrupt):
        raise answer
    return conclude(question, answer)


def ask(url: object, profile: object, policy: object = None) -> Question | Verdict:
    """Everything before DNS: what is left to ask, or a block."""
    trail = Trail()
    try:
        if not isinstance(profile, str) or profile not in PROFILES:
            raise Refused("bad_profile")
        lists = parse_policy(policy)
        question = Question(base=read_base_url(url, trail), profile=profile, policy=lists)
        for rule in (_deny_hosts, _metadata_name, _only_hosts, _reserved_name, _plain_http, _port):
            rule(question)
    except Refused as refused:
        return _block(refused, trail)
    except Exception:  # noqa: BLE001 - what cannot be understood is blocked
        return _block(Refused("invalid_url"), trail)
    return question


def conclude(question: Question, answer: Answer) -> Verdict:
    """Everything from DNS on."""
    base = question.base
    trail = Trail(host=base.host.name, port=base.port, notes=list(base.notes))
    try:
        places = [locate(one, question.policy.nat64_prefixes) for one in _read_answer(answer)]
        for place in places:
            _judge_place(question, place)
        _http_by_address(question, places)
    except Refused as refused:
        return _block(refused, trail)
    except Exception:  # noqa: BLE001 - what cannot be understood is blocked
        return _block(Refused("dns_invalid_answer"), trail)
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
        message=explain("ok", target=trail.host, port=trail.port, detail=_where(places)),
    )


def look_up(host: str) -> list[str]:
    """Addresses of a host as the system resolves it. Raises OSError."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def answer_of(resolver: Lookup, host: str) -> Answer:
    """What a resolver says of a host, its exception as a value."""
    try:
        return resolver(host)
    except BaseException as error:  # noqa: BLE001 - a resolver may be any function; its failure is dns_failed
        return error


def _deny_hosts(question: Question) -> None:
    if matches(question.base.host.subject, question.policy.deny_hosts):
        raise Refused("host_denied")


def _metadata_name(question: Question) -> None:
    if question.base.host.name in METADATA_HOSTS:
        raise Refused("metadata_host")


def _only_hosts(question: Question) -> None:
    only = question.policy.only_hosts
    if only is not None and not matches(question.base.host.subject, only):
        raise Refused("host_not_allowed")


def _reserved_name(question: Question) -> None:
    host = question.base.host
    if (
        question.profile != "shared"
        or host.literal is not None
        or matches(host.subject, question.policy.allow_hosts)
    ):
        return
    if "." not in host.name or any(_under(host.name, suffix) for suffix in SPECIAL_SUFFIXES):
        raise Refused("reserved_name")


def _plain_http(question: Question) -> None:
    if question.profile == "shared" and question.base.scheme == "http" and not _http_is_listed(question):
        raise Refused("insecure_http")


def _port(question: Question) -> None:
    open_ports = (*SHARED_PORTS, *question.policy.allow_ports)
    if question.profile == "shared" and question.base.port not in open_ports:
        raise Refused("port_not_allowed")


def _read_answer(answer: Answer) -> list[Address]:
    if isinstance(answer, BaseException):
        words = answer.strerror if isinstance(answer, socket.gaierror) else ""
        raise Refused("dns_failed", f" ({words})" if words else "")
    if not isinstance(answer, (list, tuple)):
        raise Refused("dns_invalid_answer")
    if not answer:
        raise Refused("dns_failed")
    try:
        return [parse(text) for text in answer]
    except ValueError:
        raise Refused("dns_invalid_answer") from None


def _judge_place(question: Question, place: Place) -> None:
    policy = question.policy
    if place.reason in HARD:
        raise _refused_place(question, place, place.reason)
    if holds(policy.deny_cidrs, (place.address, *place.inner)):
        raise _refused_place(question, place, "address_denied")
    if _is_lifted(policy, place) or place.reason == GLOBAL or _is_fake_ip(question, place):
        return
    if question.profile == "local" and place.reason in NEARBY and not place.translated:
        return
    raise _refused_place(question, place, place.reason)


def _http_by_address(question: Question, places: Sequence[Place]) -> None:
    if question.base.scheme == "https":
        return
    if question.profile == "local":
        if not _http_is_listed(question) and not all(place.reason in NEARBY for place in places):
            raise Refused("insecure_http", ", or have the host listed in allow_http_hosts")
    elif not all(_is_lifted(question.policy, place) for place in places):
        raise Refused("insecure_http", ", or have every address listed in allow_cidrs too")


def _http_is_listed(question: Question) -> bool:
    return matches(question.base.host.subject, question.policy.allow_http_hosts)


def _is_lifted(policy: Policy, place: Place) -> bool:
    # A tunnel's inner address says nothing of where the tunnel ends, so only its outer address counts.
    return holds(policy.allow_cidrs, (place.address, *(place.inner if place.translated else ())))


def _is_fake_ip(question: Question, place: Place) -> bool:
    return (
        place.reason == FAKE_IP_CLASS
        and place.address.version == 4
        and question.profile == "local"
        and question.base.scheme == "https"
        and question.base.host.literal is None
        and not _is_lifted(question.policy, place)
    )


def _under(host: str, suffix: str) -> bool:
    return host == suffix or host.endswith(f".{suffix}")


def _where(places: Sequence[Place]) -> str:
    found = dict.fromkeys(NEARBY[place.reason] for place in places if place.reason in NEARBY)
    return f"; it leads to {' and '.join(found)}" if found else ""


def _refused_place(question: Question, place: Place, reason: str) -> Refused:
    host = question.base.host.name
    return Refused(reason, target=host if host == str(place) else f"{host} ({place})")


def _block(refused: Refused, trail: Trail) -> Verdict:
    words = explain(
        refused.reason, target=refused.target or trail.host, port=trail.port, detail=refused.detail
    )
    return Verdict(
        action="block",
        reason=refused.reason,
        host=trail.host,
        port=trail.port,
        notes=trail.notes,
        message=words,
    )
