"""What a rule sees of one exchange, parsed once. Rules read it and touch nothing."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, cast

from byok_bench.dialects.base import Reading
from byok_bench.dialects.body import Body
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import Output
from byok_bench.wire.bounded_json import Malformed
from byok_bench.wire.failures import Failure
from byok_bench.wire.raw import RawExchange, RawHead
from byok_bench.wire.sse import Event


class Seen:
    """One exchange, as the rules see it."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.schema = cast(Literal["chat", "responses", "messages", "models"], exchange.schema)
        self.raw: RawExchange = exchange.raw
        self.head: RawHead | None = exchange.raw.head
        self.reading: Reading = exchange.reading
        self.body: Body = self.reading.body
        """Decoded body: bytes, media type, the JSON document if it is one."""
        self.events: list[Event] = self.reading.events
        self.output: Output = self.reading.output
        self.failure: Failure | None = self.reading.failure

    @cached_property
    def request(self) -> Mapping[str, Any]:
        """The request body sent; empty if it was no JSON object."""
        body = self.exchange.request.body
        return body if isinstance(body, dict) else {}

    @property
    def asked_to_stream(self) -> bool:
        """Whether the request says stream: true."""
        return self.request.get("stream") is True

    @property
    def status(self) -> int:
        """HTTP status; 0 if no response came."""
        return self.head.status if self.head else 0

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @cached_property
    def document(self) -> Any:
        """The body as one JSON object or array; a `Malformed` if it is none."""
        return self.body.document

    @property
    def is_json(self) -> bool:
        """Whether the body is one JSON object or array."""
        return not isinstance(self.document, Malformed)
