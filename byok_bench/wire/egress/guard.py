"""EgressGuard: what stands between a request and a socket. Judged addresses, or the reason why there are none.

Rules: docs/egress.md, "Connecting".
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from byok_bench.wire.client_certificates import ClientCertificate
from byok_bench.wire.egress.addresses import locate_address, parse_address
from byok_bench.wire.egress.reasons import DNS_REASONS
from byok_bench.wire.egress.resolver import Resolver
from byok_bench.wire.egress.verdicts import Question, Verdict, conclude_verdict, prepare_question
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.raw_exchange import Phases

UNVERIFIED: Final = frozenset({"loopback_address", "private_address"})
"""Classes of addresses whose certificate may go unchecked, in the local profile."""
BEYOND_PROXY: Final = "1.1.1.1"
"""Stands for whatever a proxy will resolve a name to: judged as any public address, never dialled."""


class NotConnected(Exception):
    """Nothing was sent; `reason` says why. Stays inside wire."""

    def __init__(self, reason: Failure, peer: str | None = None) -> None:
        super().__init__(reason.message)
        self.reason = reason
        self.peer = peer
        """The address that was reached all the same."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a connection leads, and whose it is; equal targets share connections."""

    scheme: str
    host: str
    """ASCII, without brackets."""
    port: int
    key_id: str = ""
    """Requests with different keys never share a connection."""
    verify: bool = True
    ca_file: str | None = None
    client_certificate: ClientCertificate | None = None

    @property
    def origin(self) -> str:
        """`scheme://host:port`."""
        return f"{self.scheme}://{self.bracketed_host}:{self.port}"

    @property
    def bracketed_host(self) -> str:
        """The host as a URL writes it."""
        return f"[{self.host}]" if ":" in self.host else self.host


class EgressGuard:
    """Judges every request of one client; also one that will use a kept connection."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._literal: dict[tuple[Target, str], list[str]] = {}
        """Hosts that are addresses themselves, allowed without a policy: nothing about them changes."""

    def find_known_addresses(self, target: Target, profile: str, policy: Mapping[str, Any] | None) -> list[str]:
        """What `require_addresses` would say, where it is known without a lookup or a policy; else nothing."""
        return self._literal.get((target, profile), []) if policy is None else []

    async def require_addresses(
        self, target: Target, profile: str, policy: Mapping[str, Any] | None, phases: Phases
    ) -> list[str]:
        """The addresses that may be dialled, at least one. Raises NotConnected with the verdict's reason."""
        known = self.find_known_addresses(target, profile, policy)
        if known:
            return known
        judged = await self._resolver.judge(target.origin, profile, policy)
        phases.dns_start, phases.dns_end = judged.dns_start_ns, judged.dns_end_ns
        addresses = _require_allowed(judged.verdict)
        if not target.verify:
            _check_unverified(profile, addresses)
        if policy is None and addresses == [target.host]:
            self._literal[target, profile] = addresses
        return addresses


def check_proxied_target(target: Target, profile: str, policy: Mapping[str, Any] | None) -> None:
    """The rules that need no lookup, for a request whose name the proxy resolves. Raises NotConnected."""
    question = prepare_question(target.origin, profile, policy)
    verdict = (
        conclude_verdict(question, question.known_addresses or [BEYOND_PROXY])
        if isinstance(question, Question)
        else question
    )
    addresses = _require_allowed(verdict)
    if not target.verify:
        _check_unverified(profile, addresses)


def to_egress_failure(verdict: Verdict) -> Failure:
    """The failure that a refusing verdict is."""
    phase = "dns" if verdict.reason in DNS_REASONS else "policy"
    return make_failure("egress", phase, verdict.message, code=verdict.reason)


def make_not_connected(code: str, message: str) -> NotConnected:
    """A refusal beside the verdict's own rules."""
    return NotConnected(make_failure("egress", "policy", message, code=code))


def check_own_proxy(profile: str) -> None:
    """An endpoint's own proxy is taken in the local profile only. Raises NotConnected."""
    if profile != "local":
        raise make_not_connected(
            "proxy_not_allowed",
            "In the shared profile only the administrator sets a proxy. Remove this one.",
        )


def _require_allowed(verdict: Verdict) -> list[str]:
    if verdict.action != "allow":
        raise NotConnected(to_egress_failure(verdict))
    return verdict.addresses


def _check_unverified(profile: str, addresses: list[str]) -> None:
    """Certificates go unchecked in the local profile only, and only where the network is the user's own."""
    if profile != "local":
        raise make_not_connected(
            "tls_verify_required", "Certificate checks cannot be switched off in the shared profile."
        )
    if not all(locate_address(parse_address(address)).reason in UNVERIFIED for address in addresses):
        raise make_not_connected(
            "tls_verify_required",
            "Certificate checks can be switched off for loopback and private addresses only. "
            "Set the endpoint's CA file instead.",
        )
