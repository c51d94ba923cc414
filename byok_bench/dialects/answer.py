"""What was read of an answer, beside its output: the choices, the usage objects, and what was repaired.

One form for all dialects, streamed or whole, so that a rule about what was said is written once. Responses and
Messages have one choice. Data only, for the rules in checks/; which of it breaks a rule is not decided here.
"""

import itertools
from collections.abc import Collection, Sequence
from typing import Any, Literal

import msgspec

from byok_bench.dialects.dialect import Reading
from byok_bench.dialects.fragments import join_surrogates
from byok_bench.dialects.tool_calls import Call, ToolCalls
from byok_bench.wire.bodies.sse import EventStream

Shape = Literal[
    "none",
    "refused",
    "undecodable",
    "page",
    "error",
    "document",
    "ignored",
    "not-sse",
    "stream",
    "unreadable",
]
"""What came back:
none         no response head
refused      a status of 300 or more
undecodable  a content coding that could not be undone
page         HTML with a 2xx status
error        one JSON document that holds an error, with a 2xx status
document     one JSON answer, as asked for
ignored      one JSON answer although a stream was asked for
not-sse      a body without any data line where a stream was asked for
stream       server-sent events, perhaps none
unreadable   anything else: no JSON answer where one was asked for, or lines that were cut at a limit
"""

Closing = Literal["done", "error", "eof", "reset", "stall", "limit", "cancelled"]
"""How a stream was over: [DONE], an error reported in it, or the end of the body before either."""


class Fact(msgspec.Struct):
    """Something noticed while reading, at its first place."""

    event: int | None
    detail: str
    count: int = 1


class Facts(dict[str, Fact]):
    """What was noticed, by name."""

    def note(self, name: str, event: int | None, detail: str = "") -> None:
        """Count one more of its kind; the first one keeps place and detail."""
        known = self.get(name)
        if known is None:
            self[name] = Fact(event, detail)
        else:
            known.count += 1


class Choice(msgspec.Struct, kw_only=True):
    """One choice, as its deltas, items or blocks came."""

    index: int
    event: int | None
    """The event that started it; None in an answer that is no stream."""
    texts: list[str] = []
    """Content of each delta that had some."""
    reasonings: list[str] = []
    refusals: list[str] = []
    tools: ToolCalls = msgspec.field(default_factory=ToolCalls)
    is_opened: bool = False
    """A delta with any member came; in a document, there is what an answer is in: a message, output, content."""
    has_message: bool = False
    """A delta came, or a message, be it empty."""
    has_role: bool = False
    finish_reason: str | None = None
    """The first one, in chat's words; unknown values as they came."""
    finish_event: int | None = None
    own_reason: str | None = None
    """The same in the dialect's own word: chat's finish_reason, the stop_reason of a message, and for a response
    why it is incomplete, else its status."""
    native_reason: str | None = None
    """The model's own word, where a gateway hands it on beside the finish_reason."""
    has_other: bool = False
    """Output came of a kind that is not read: an image, sound, a search of the server."""
    text: str = ""
    """Assembled content; set at the end, as are the next two."""
    reasoning: str = ""
    refusal: str = ""
    is_cumulative: bool = False
    """Each delta repeated all the text before it."""

    @property
    def calls(self) -> list[Call]:
        """Tool calls in the order they were opened."""
        return self.tools.calls

    @property
    def is_empty(self) -> bool:
        """Whether there is neither text nor refusal nor tool call."""
        return not (self.text or self.refusal or self.calls)

    @property
    def is_silent(self) -> bool:
        """Whether there is no output at all, and no word of an end either."""
        return self.is_empty and not self.reasoning and self.finish_reason is None

    def assemble_texts(self) -> None:
        """Assemble what the deltas held."""
        self.is_cumulative = is_cumulative_text(self.texts)
        self.text = join_surrogates(self.texts[-1] if self.is_cumulative else "".join(self.texts))
        self.reasoning = join_surrogates("".join(self.reasonings))
        self.refusal = join_surrogates("".join(self.refusals))


class UsageObject(msgspec.Struct, frozen=True):
    """One usage object of an answer."""

    value: dict[str, Any]
    event: int | None
    is_apart: bool
    """It came in a chunk without choices."""


class AnswerReading(Reading, kw_only=True):
    """An exchange that asked for an answer, read."""

    shape: Shape
    choices: list[Choice] = msgspec.field(default_factory=list)
    """In the order they were started."""
    usages: list[UsageObject] = msgspec.field(default_factory=list)
    """In the dialect's own words."""
    facts: Facts = msgspec.field(default_factory=Facts)
    """What was odd, by name."""
    stream: EventStream | None = None
    """Framing; None unless the shape is `stream`."""
    closing: Closing | None = None
    """How the stream was over; None if it is none."""
    is_finished: bool = False
    """The answer came to its end in the dialect's own words."""
    object_count: int = 0
    """Events whose data was a JSON object."""
    done_event: int | None = None
    """The event that held [DONE]."""
    read_until: float = float("inf")
    """Offset of the event that ended the reading: [DONE], or in chat an error."""
    bad_utf8_at: int | None = None
    """Offset of the first sequence that is no UTF-8, up to the end of the reading."""
    unframed_error_at: int | None = None
    """Offset of the line outside all fields that held, or began, an error."""

    @property
    def is_empty(self) -> bool:
        """Whether a stream was over without one JSON object."""
        return self.closing in ("done", "eof", "reset") and not self.object_count

    @property
    def is_truncated(self) -> bool:
        """Whether the body ended in the middle of an answer."""
        return self.closing in ("eof", "reset") and self.object_count > 0 and not self.is_finished

    @property
    def has_failed(self) -> bool:
        """Whether an error ended it: one that a stream reports, also in its last event, or a document."""
        told = self.closing in (None, "done") and self.failure is not None and self.failure.kind != "protocol"
        return self.closing == "error" or told

    @property
    def is_complete(self) -> bool:
        """Whether nothing is known to be missing at the end."""
        return not self.has_failed and self.closing not in ("stall", "limit", "cancelled") and not self.is_truncated


class ChatReading(AnswerReading, kw_only=True):
    """A chat exchange, read."""


def has_finished_choices(choices: Collection[Choice]) -> bool:
    """Whether a choice was started and every started one has a finish_reason."""
    return bool(choices) and all(choice.finish_reason is not None for choice in choices)


def is_cumulative_text(pieces: Sequence[str]) -> bool:
    """Whether 4 or more pieces each begin with all of the one before and are longer."""
    return len(pieces) >= 4 and all(
        len(later) > len(earlier) and later.startswith(earlier) for earlier, later in itertools.pairwise(pieces)
    )
