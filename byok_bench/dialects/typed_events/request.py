"""What was asked for: the request body, and whether it asks for a stream."""

from collections.abc import Mapping
from typing import Any

from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.raw_exchange import RawExchange


def read_request_body(raw: RawExchange) -> Mapping[str, Any]:
    """The request body; empty if it is no JSON object."""
    request = bounded_json.decode_json(raw.request.body)
    return request if isinstance(request, dict) else {}


def is_stream_requested(raw: RawExchange) -> bool:
    """Whether the request body says stream: true."""
    return read_request_body(raw).get("stream") is True
