"""What a recorded chat request asked for, as far as the reading of its answer depends on it."""

from typing import Final

import msgspec

from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.raw_exchange import RawExchange

_JSON_FORMS: Final = ("json_object", "json_schema")


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    stream: bool = False
    n: int = 1
    """How many choices; 1 where the request says nothing usable."""
    wants_json: bool = False
    """`response_format` asks for JSON."""


def read_chat_request(raw: RawExchange) -> ChatRequest:
    """What the request says; a body that is no JSON object asks for nothing."""
    sent = bounded_json.decode_json(raw.request.body)
    if not isinstance(sent, dict):
        return ChatRequest()
    n, form = sent.get("n"), sent.get("response_format")
    return ChatRequest(
        stream=sent.get("stream") is True,
        n=max(1, n) if type(n) is int else 1,
        wants_json=isinstance(form, dict) and form.get("type") in _JSON_FORMS,
    )
