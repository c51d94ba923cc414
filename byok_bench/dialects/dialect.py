"""What a dialect is: it builds a request body, and reads a recorded exchange. Schema name → dialect."""

import importlib
from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import msgspec

from byok_bench.dialects.body import Body
from byok_bench.dialects.output import Output
from byok_bench.errors import EndpointError
from byok_bench.wire.bodies.sse import Event
from byok_bench.wire.failures import Failure
from byok_bench.wire.raw_exchange import RawExchange
from byok_bench.wire.recording.terminators import Terminator

OutputKind = Literal["text", "reasoning", "tool"]
Mark = tuple[int, OutputKind, int]
"""(t_ns, kind, index of the event): one delta that carried output. Two kinds in one event are two marks."""


class Reading(msgspec.Struct, kw_only=True):
    """What one recorded exchange says, in any dialect. A dialect adds the facts that its rules need."""

    body: Body
    output: Output = Output()
    failure: Failure | None = None
    """Why there is no good answer, transport failures included; None if there is one."""
    events: list[Event] = []
    """Server-sent events in order; empty if the body is no event stream."""
    marks: list[Mark] = []
    """Deltas that carried output, in order of arrival."""
    done_ns: int | None = None
    """Stamp of the event that ended the stream: [DONE], or the dialect's terminal event."""


class Dialect(Protocol):
    """One API schema: what goes out, and what comes back."""

    name: str
    """chat, responses, messages, or models for the list of models."""
    route: str
    """Path below the base URL."""
    terminator: Terminator
    """What the transport may stop at."""

    def build(self, body: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> dict[str, Any]:
        """The wire request: `extra` (the endpoint's own fields), overlaid by `body`, with `model` if given."""
        ...

    def read(self, raw: RawExchange) -> Reading:
        """What the record says; never raises for what a server sent."""
        ...


_MODULES: Final = {
    "chat": "byok_bench.dialects.chat.dialect",
    "responses": "byok_bench.dialects.responses.dialect",
    "messages": "byok_bench.dialects.messages.dialect",
    "models": "byok_bench.dialects.model_list",
}
"""Each module has its one instance as DIALECT."""


def find_dialect(schema: str) -> Dialect:
    """The dialect of an endpoint's `schema`. Raises EndpointError for an unknown name."""
    home = _MODULES.get(schema)
    if home is None:
        raise EndpointError(f"unknown schema {schema!r}: use one of {', '.join(_MODULES)}", code="schema")
    found: Dialect = importlib.import_module(home).DIALECT
    return found


def merge_request(body: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> dict[str, Any]:
    """`extra` overlaid by `body`, with `model` set if given: the request of every dialect."""
    request = {**extra, **body}
    if model is not None:
        request["model"] = model
    return request
