"""What keeps an endpoint from being called, as far as it shows without sending or looking up anything.

A run asks before its first sample, so that a variable that is not set does not become a hundred rows. What `send`
finds when it sends is the same, as a `Failure`. Rules: docs/endpoints.md, "Life of an endpoint".
"""

from collections.abc import Mapping
from typing import Any

from byok_bench.endpoints.credentials import resolve_credentials
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model_requests import narrow_endpoint
from byok_bench.endpoints.readiness import MISSING
from byok_bench.errors import SecretError
from byok_bench.wire.client_certificates import find_certificate_problem
from byok_bench.wire.connections.tls_sessions import find_ca_problem
from byok_bench.wire.egress.guard import NotConnected, check_own_proxy
from byok_bench.wire.egress.proxies import find_proxy_problem
from byok_bench.wire.egress.verdicts import Question, conclude_verdict, prepare_question


def find_obstacle(endpoint: Endpoint, profile: str, policy: Mapping[str, Any] | None = None) -> str:
    """Why no request of this endpoint can be sent now, and what to change; empty if nothing is in the way.

    May wait for the keyring: call it off an event loop that must not stand still.
    """
    return (
        _find_gap(endpoint)
        or _find_block(endpoint.base_url, profile, policy)
        or _find_bad_proxy(endpoint, profile)
        or _find_bad_ca_file(endpoint)
        or _find_bad_certificate(endpoint)
        or _find_missing_key(endpoint)
    )


def _find_gap(endpoint: Endpoint) -> str:
    """A field that was not filled in; a key is asked for where it is kept."""
    gaps = [MISSING[name] for name in endpoint.list_missing_fields() if name not in ("key", "key_origin")]
    return f"it needs {' and '.join(gaps)}" if gaps else ""


def _find_block(base_url: str, profile: str, policy: Mapping[str, Any] | None) -> str:
    """A verdict that no lookup can change."""
    asked = prepare_question(base_url, profile, policy)
    if isinstance(asked, Question) and asked.known_addresses:
        asked = conclude_verdict(asked, asked.known_addresses)
    if isinstance(asked, Question) or asked.action == "allow":
        return ""
    return asked.message


def _find_bad_proxy(endpoint: Endpoint, profile: str) -> str:
    if endpoint.proxy is None:
        return ""
    try:
        check_own_proxy(profile)
    except NotConnected as refused:
        return refused.reason.message
    return find_proxy_problem(endpoint.proxy)


def _find_bad_ca_file(endpoint: Endpoint) -> str:
    """The file of authorities, where certificates are looked at."""
    named = endpoint.tls.ca_file if endpoint.tls.verify else None
    return find_ca_problem(named) if named and endpoint.base_url.lower().startswith("https:") else ""


def _find_bad_certificate(endpoint: Endpoint) -> str:
    """The files that are shown to the server, where there is TLS."""
    pair = endpoint.tls.client_certificate
    return find_certificate_problem(pair) if pair and endpoint.base_url.lower().startswith("https:") else ""


def _find_missing_key(endpoint: Endpoint) -> str:
    """The key and whatever else is named by reference, for the endpoint and for each model with headers of its own."""
    own = [narrow_endpoint(endpoint, model.name) for model in endpoint.models if model.headers]
    try:
        for one in (endpoint, *own):
            resolve_credentials(one)
    except SecretError as error:
        return str(error)
    return ""
