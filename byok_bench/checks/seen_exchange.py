"""What a rule sees of one exchange, parsed once. Rules read it and touch nothing."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final, Literal, cast

from byok_bench.checks.call_arguments import ArgumentsForm, judge_calls
from byok_bench.checks.finding import Hit
from byok_bench.checks.marker_search import find_tool_markup
from byok_bench.checks.markers import load_markers
from byok_bench.checks.offered_tools import find_offered_tools
from byok_bench.dialects.answer import AnswerReading, ChatReading, Choice
from byok_bench.dialects.body import Body
from byok_bench.dialects.dialect import Reading
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import Output
from byok_bench.dialects.tool_calls import Call
from byok_bench.dialects.typed_events.events import TypedReading
from byok_bench.wire.bodies.bounded_json import Malformed
from byok_bench.wire.bodies.sse import Event
from byok_bench.wire.failures import Failure
from byok_bench.wire.raw_exchange import RawExchange, RawHead

_ANSWERS: Final = ("stream", "document", "ignored")


class SeenExchange:
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
    def is_stream_requested(self) -> bool:
        """Whether the request says stream: true."""
        return self.request.get("stream") is True

    @property
    def status(self) -> int:
        """HTTP status; 0 if no response came."""
        return self.head.status if self.head else 0

    @property
    def is_success(self) -> bool:
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

    @cached_property
    def chat_reading(self) -> ChatReading | None:
        """The reading, if the exchange is a chat."""
        return self.reading if isinstance(self.reading, ChatReading) else None

    @cached_property
    def chat_stream(self) -> ChatReading | None:
        """The reading, if a chat answer came as a stream."""
        return self.chat_reading if self.chat_reading is not None and self.chat_reading.shape == "stream" else None

    @cached_property
    def typed_reading(self) -> TypedReading | None:
        """The reading, if the exchange is of a dialect of typed events."""
        return self.reading if isinstance(self.reading, TypedReading) else None

    @property
    def answer_reading(self) -> AnswerReading | None:
        """The reading, in any dialect that streams."""
        return self.reading if isinstance(self.reading, AnswerReading) else None

    @cached_property
    def event_stream(self) -> AnswerReading | None:
        """The reading, if an answer of any dialect came as a stream."""
        return (
            self.answer_reading if self.answer_reading is not None and self.answer_reading.shape == "stream" else None
        )

    @cached_property
    def answer(self) -> AnswerReading | None:
        """The reading, if an answer of any dialect was assembled: from a stream, or from one document."""
        reading = self.answer_reading
        return reading if reading is not None and reading.shape in _ANSWERS else None

    @cached_property
    def offered_tools(self) -> dict[str, Mapping[str, Any]]:
        """What the request offers to call: name → its definition."""
        return find_offered_tools(self.request)

    def find_tool_schema(self, name: str) -> Any:
        """The JSON schema that the request gives for a tool's arguments; None if it gives none."""
        tool = self.offered_tools.get(name, {})
        return tool.get("parameters", tool.get("input_schema"))

    @property
    def has_tools(self) -> bool:
        """Whether the request offers tools at all."""
        return bool(self.request.get("tools"))

    @cached_property
    def judged_calls(self) -> list[tuple[Call, ArgumentsForm]]:
        """Tool calls whose arguments are judged, with the verdict on them."""
        return list(judge_calls(self.answer)) if self.answer is not None else []

    @property
    def has_stop(self) -> bool:
        """Whether the request names texts that end the answer wherever they come."""
        return bool(self.request.get("stop") or self.request.get("stop_sequences"))

    @cached_property
    def forced_call(self) -> Literal["named", "required", ""]:
        """Whether the request forces a call: of one function, or of any."""
        for member in ("tool_choice", "function_call"):
            choice = self.request.get(member)
            if isinstance(choice, dict):
                if choice.get("type") == "any" or "required" in (
                    choice.get("mode"),
                    _find_allowed_tools(choice).get("mode"),
                ):
                    return "required"
                if any(choice.get(name) for name in ("name", "function", "custom")):
                    return "named"
        return "required" if self.request.get("tool_choice") in ("required", "any") else ""

    @cached_property
    def is_raw_reasoning_requested(self) -> bool:
        """Whether the request asks for reasoning inside the text."""
        return any(
            one.member in self.request and self.request[one.member] in one.values for one in load_markers().asked
        )

    @cached_property
    def error_free_answer(self) -> AnswerReading | None:
        """The answer, if what was said is judged at its end: not after an error."""
        return self.answer if self.answer is not None and not self.answer.has_failed else None

    def find_leaked_call(self, choice: Choice) -> str | None:
        """The marker of a call left in a choice's text, or in its reasoning where there is neither text nor call.

        Looked for only where tools were offered, and no error ended the answer.
        """
        if not self.has_tools or self.error_free_answer is None:
            return None
        return find_tool_markup(choice.reasoning if choice.is_empty else choice.text)


def _find_allowed_tools(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tools that a tool_choice allows; empty if it does not say so."""
    found = choice.get("allowed_tools")
    return found if isinstance(found, dict) else {}


def report_fact(reading: AnswerReading | None, name: str, message: str) -> Iterator[Hit]:
    """A hit for what the reader noted under a name."""
    fact = reading.facts.get(name) if reading is not None else None
    if fact is not None:
        detail = f": {fact.detail}" if fact.detail else ""
        times = f" ({fact.count} times)" if fact.count > 1 else ""
        yield Hit(f"{message}{detail}{times}", event=fact.event)
