"""How a scenario is worded in each dialect: the first request body, and the body after tools have answered.

The assistant message is echoed as it was received: text null beside tool calls, arguments as one string encoded
once, one tool result for each id; reasoning as the scenario and the endpoint's record say. Model names and an
endpoint's extra fields are added when the body is sent. The dialects' own words are in wording/.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from byok_bench.endpoints.model import Model
from byok_bench.errors import PlanError
from byok_bench.scenarios.conversation import Step
from byok_bench.scenarios.scenario import Message, Scenario
from byok_bench.scenarios.wording.chat import Chat
from byok_bench.scenarios.wording.gaps import find_gap
from byok_bench.scenarios.wording.messages import Messages
from byok_bench.scenarios.wording.request_members import Body, Manner, make_manner
from byok_bench.scenarios.wording.responses import Responses

__all__ = ["Body", "Phrasing", "find_phrasing", "find_wording_gap"]


class Phrasing(Protocol):
    """The wording of one dialect."""

    def build_first(self, scenario: Scenario, messages: Sequence[Message], order: Sequence[str] = ()) -> Body:
        """Body of the first request, without the model; `order`: the tools to offer, if not as they stand."""

    def build_next(self, body: Body, step: Step) -> Body:
        """Body with the answer, its results and late results added; what the user says next is not yet in it."""

    def add_user_turn(self, settings: Body, history: Body, text: str) -> Body:
        """Body of a user turn: the conversation of `history`, then `text`; all else as in `settings`."""


_BY_SCHEMA: Final[Mapping[str, Callable[[Manner], Phrasing]]] = {
    "chat": Chat, "responses": Responses, "messages": Messages,
}  # fmt: skip


def find_phrasing(schema: str, model: Model | None = None) -> Phrasing:
    """The wording of a dialect, for a model as it is configured; PlanError for an unknown dialect."""
    if schema not in _BY_SCHEMA:
        raise PlanError(f"no dialect named {schema!r}; there are {', '.join(_BY_SCHEMA)}", code="bad_schema")
    return _BY_SCHEMA[schema](make_manner(model))


def find_wording_gap(task: Scenario, schema: str, model: Model | None = None) -> str:
    """Why a task cannot be put in a dialect to a model, in a sentence; empty if it can."""
    return find_gap(task, schema, make_manner(model))
