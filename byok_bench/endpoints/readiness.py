"""Whether an endpoint can be used as it stands, in words for a person: what is missing, and what its requests call.

Nothing is looked up and nothing sent: a variable that is not set shows when a request is built, an address that may
not be called when it is judged. Rules: docs/endpoints.md, "Life of an endpoint".
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from byok_bench.dialects.dialect import find_dialect
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.key_places import is_awaiting_key
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Schema
from byok_bench.wire.egress.base_urls import read_base_url
from byok_bench.wire.egress.reasons import EgressRefusal, explain_reason

MISSING: Final = {
    "base_url": "a base URL",
    "models": "a model",
    "key": "a key",
    "key_header": "the name of the header that carries the key",
    "key_origin": "your word that the key may go to this address",
}
"""Field that `Endpoint.missing` names → what it is for a person."""
_VERSION: Final = re.compile(r"/v[0-9]+[a-z0-9]*(/|$)")


def describe_unreadiness(endpoint: Endpoint, *, needs_model: bool = True) -> str:
    """What keeps the endpoint from a run, in a sentence; empty if nothing does."""
    names = [*endpoint.list_missing_fields(), *(["key"] if is_awaiting_key(endpoint) else [])]
    wrong = find_url_problem(endpoint.base_url)
    if wrong and "key_origin" in names:
        names.remove("key_origin")  # of an address that is none
    if not needs_model and "models" in names:
        names.remove("models")
    needs = f"It needs {_join_words([MISSING[name] for name in names])}." if names else ""
    return " ".join(part for part in (needs, wrong) if part)


def is_ready(endpoint: Endpoint) -> bool:
    """Whether it may be offered for a run."""
    return not describe_unreadiness(endpoint)


def find_url_problem(text: str) -> str:
    """What is wrong with a base URL, and what to change; empty if it is one, or if there is none yet."""
    if not text.strip():
        return ""
    try:
        read_base_url(text)
    except EgressRefusal as refused:
        return explain_reason(refused.reason, target=refused.target, port=None, detail=refused.detail)
    return ""


def render_request_line(base_url: str, schema: Schema, query: Mapping[str, str | KeyRef] | None = None) -> str:
    """`POST https://…/v1/chat/completions?…`: what a request will call; empty if the base URL is none.

    A query value that is a reference is shown as one.
    """
    try:
        base = read_base_url(base_url)
    except EgressRefusal:
        return ""
    shown = {name: f"<{value}>" if isinstance(value, KeyRef) else value for name, value in (query or {}).items()}
    asked = f"?{urlencode(shown, quote_via=quote, safe='<>:')}" if shown else ""
    return f"POST {base}{find_dialect(schema).route}{asked}"


def find_url_hint(base_url: str, schema: Schema = "chat") -> str:
    """What is worth a look in a base URL that is one; empty if nothing is.

    Providers print the Messages API's address without /v1, since their SDK adds it; nothing is added here.
    """
    try:
        base = read_base_url(base_url)
    except EgressRefusal:
        return ""
    lacks_version = schema == "messages" and base.path and not _VERSION.search(base.path)
    said = {
        "most servers want /v1 at the end": "hint_missing_v1" in base.notes,
        "the Messages API is mostly below /v1: add it if an SDK is given this address": lacks_version,
        "the route at its end was taken off": "route_stripped" in base.notes,
    }
    return "; ".join(words for words, holds in said.items() if holds)


def _join_words(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
