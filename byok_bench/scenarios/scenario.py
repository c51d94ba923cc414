"""Scenario and Sample: an agent task as data.

A scenario is a request template, the tools it offers, and samples; a sample is one input with what is expected of
the answers. How a file is read is in scenario_file.py, what makes sense in scenario_rules.py, how a request is worded
in each dialect in phrasing.py, the turn loop in conversation.py and agent.py.
"""

from typing import Any, Final, Literal

import msgspec

from byok_bench.scenarios.environments.environment import EnvironmentStart
from byok_bench.scenarios.expectations.judging import Expectation
from byok_bench.scenarios.fill import Fill
from byok_bench.scenarios.own_tools import OwnTool
from byok_bench.scenarios.solutions import Mistake, ScriptedAnswer

FORMAT_VERSION: Final = 2
Dialect = Literal["chat", "responses", "messages"]
DIALECTS: Final = ("chat", "responses", "messages")
ResultOrder = Literal["as_called", "reversed", "shuffled"]
Need = Literal["streaming", "tools", "parallel_tools", "structured_output", "vision", "reasoning"]


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of the opening."""

    role: Literal["system", "user", "assistant"]
    content: str


class CancelAfter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When this side closes the stream; one of the two."""

    deltas: int | None = None
    """So many deltas with output came."""
    ms: float | None = None
    """So long after the request was written."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Parameters of every request of a scenario, in the words of chat completions."""

    stream: bool = True
    max_tokens: int = 64
    temperature: float | None = 0.0
    seed: int | None = None
    tool_choice: str | None = None
    """auto, required, none, or the name of a tool; for the first turn. Later turns leave the choice to the model."""
    answer_schema: dict[str, Any] | None = None
    """JSON Schema that the text must fit (`response_format` json_schema, or what the dialect calls it)."""
    max_completion_tokens: int | None = None
    """Sent in place of max_tokens, by this name where the dialect has it."""
    parallel_tool_calls: bool | None = None
    reasoning: str | None = None
    """How much the model is to think: low, medium, high, or another word that the server knows."""
    stop: tuple[str, ...] = ()
    n: int | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    strict_tools: bool | None = None
    """The member `strict` of every tool that is offered."""
    answer_format: Literal["json_schema", "json_object", "text"] | None = None
    """None: json_schema where there is an `answer_schema`, else nothing is asked for."""
    answer_strict: bool = True
    """The member `strict` of the answer's schema."""
    cancel_after: CancelAfter | None = None
    """Of the first answer; a later user turn that wants it names it itself."""
    echo_reasoning: Literal["auto", "yes", "no"] = "auto"
    """Whether reasoning is sent back with the assistant's turn; auto: as the endpoint's record says."""
    extra: dict[str, dict[str, Any]] = {}
    """Dialect, or `all` → members that are laid over the body as they stand."""
    bare: bool = False
    """The body is `extra` alone, with nothing of what is worded from the scenario."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one sample may take over all its answers; the answer that reaches one is the last."""

    tokens: int | None = None
    """Prompt and completion, as the server counts them; deltas where it does not."""
    seconds: float | None = None
    """From the start of each request to the end of its answer, summed."""
    cost: float | None = None
    """What the server charges, else tokens times the declared price."""


class UserTurn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the user does once the turn before is over; the opening is user turn 0."""

    user: str = ""
    max_rounds: int | None = None
    back_to: int | None = None
    """A fork: history and tools as they were when this user turn was over, then `user`."""
    again: bool = False
    """The opening anew, tools as at the start; with other messages, fill or tools if they are given."""
    messages: tuple[Message, ...] = ()
    fill: Fill | None = None
    tools: tuple[str, ...] = ()
    """The offered tools by name, in this order."""
    request: dict[str, Any] = {}
    """Members of the request that are others from this user turn's first answer on, and in this user turn alone."""


class Spoil(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is wrong with the request on purpose; an error scenario has one of these."""

    model: str | None = None
    """Ask for this model instead of the target's."""
    wrong_key: bool = False
    """Send a well-formed key that nobody issued; left out where the endpoint uses no key."""
    overflow: bool = False
    """Fill the last message beyond the model's context window."""
    method: str | None = None
    """Another method than POST."""
    raw_body: str | None = None
    """Sent in place of the JSON body."""
    pad_bytes: int | None = None
    """The last message is filled up to this length of the body."""
    members: dict[str, dict[str, Any]] = {}
    """Dialect, or `all` → members that are laid over the body as they stand."""


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One input of a scenario, with what is expected; what it sets itself wins over the scenario."""

    name: str
    messages: tuple[Message, ...]
    expect: tuple[Expectation, ...] = ()
    """All must be met for the outcome `ok`."""
    about: str = ""
    request: dict[str, Any] = {}
    """Members of the request that are others in this sample."""
    tools: tuple[str | OwnTool, ...] | None = None
    environment: EnvironmentStart | None = None
    fill: Fill | None = None
    turns: tuple[UserTurn, ...] | None = None
    max_rounds: int | None = None
    result_order: ResultOrder | None = None
    needs: tuple[Need, ...] | None = None
    dialects: tuple[Dialect, ...] | None = None
    limits: Limits | None = None
    spoil: Spoil | None = None
    solution: tuple[ScriptedAnswer, ...] = ()
    """What a perfect agent answers, over all user turns."""
    mistake: tuple[Mistake, ...] = ()


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An agent task; the same for every target."""

    version: int
    name: str
    """Short, lower case, unique among the scenarios of a run."""
    title: str
    about: str = ""
    """What it shows, in a sentence or two."""
    group: str = ""
    """Folder of the library that it stands in; empty for a file of one's own."""
    tags: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    """Capabilities without which it shows nothing, beside those that the request itself tells."""
    dialects: tuple[Dialect, ...] = ()
    """Dialects that have a notion of what it shows; empty: all."""
    needs_window_tokens: int | None = None
    """Context window without which it shows nothing; None: what prompt, fill and answer take."""
    cost: str = ""
    """What is dear about it, in words; numbers are computed."""
    request: Request = Request()
    tools: tuple[str | OwnTool, ...] = ()
    """Names of built-in tools, and tools of its own, in the order in which they are offered."""
    environment: EnvironmentStart | None = None
    fill: Fill | None = None
    turns: tuple[UserTurn, ...] = ()
    """What the user says after the opening."""
    max_turns: int = 1
    """Version 1's word for `max_rounds`."""
    max_rounds: int | None = None
    """Answers at most to one user turn, tool round trips included."""
    limits: Limits = Limits()
    """What one sample may take, beside its rounds."""
    result_order: ResultOrder = "as_called"
    """In which order the results of parallel calls are sent back."""
    forms: tuple[Literal["streamed", "whole"], ...] = ()
    """Every sample is asked for in each of these forms, the whole one as `NAME-whole`; empty: as the request says."""
    spoil: Spoil | None = None
    samples: tuple[Sample, ...] = ()

    @property
    def wants_failure(self) -> bool:
        """It is an error scenario: a good server refuses it."""
        return self.spoil is not None or any(sample.spoil is not None for sample in self.samples)

    @property
    def has_overlong_prompt(self) -> bool:
        """Its prompt is longer than the context window."""
        return self.spoil is not None and self.spoil.overflow

    @property
    def rounds(self) -> int:
        """Answers at most to the opening."""
        return self.max_turns if self.max_rounds is None else self.max_rounds

    @property
    def has_tools(self) -> bool:
        """Whether tools are offered."""
        return bool(self.tools) or self.environment is not None

    def get_sample(self, name: str) -> Sample:
        """The sample of that name."""
        return next(sample for sample in self.samples if sample.name == name)


OVERRIDES: Final = (
    "tools",
    "environment",
    "fill",
    "turns",
    "max_rounds",
    "result_order",
    "needs",
    "dialects",
    "limits",
    "spoil",
)
"""Fields of a scenario that a sample can set itself, beside the request."""


def lay_over(scenario: Scenario, sample: Sample) -> Scenario:
    """The scenario as one sample plays it: the sample's own settings laid over it."""
    changes = {name: value for name in OVERRIDES if (value := getattr(sample, name)) is not None}
    if sample.request:
        changes["request"] = lay_members_over(scenario.request, sample.request)
    return msgspec.structs.replace(scenario, **changes) if changes else scenario


def spread_forms(scenario: Scenario) -> Scenario:
    """The scenario with a sample for each of its forms in place of `forms`."""
    if not scenario.forms:
        return scenario
    samples = [
        msgspec.structs.replace(
            sample,
            name=f"{sample.name}-whole" if form == "whole" and len(scenario.forms) > 1 else sample.name,
            request={**sample.request, "stream": form == "streamed"},
        )
        for sample in scenario.samples
        for form in scenario.forms
    ]
    return msgspec.structs.replace(scenario, forms=(), samples=tuple(samples))


def lay_members_over(request: Request, members: dict[str, Any]) -> Request:
    """The request with other members. Raises msgspec.ValidationError for one that there is none of."""
    return msgspec.convert(msgspec.to_builtins(request) | members, Request)


def find_turn_request(task: Scenario, turn: int) -> Request:
    """The request of a user turn, counted from 0; `cancel_after` and a forced tool hold where they are named."""
    if turn == 0:
        return task.request
    members = task.turns[turn - 1].request
    kept = task.request
    if not task.turns[turn - 1].again:
        kept = msgspec.structs.replace(kept, tool_choice=_free_choice(kept.tool_choice))
    return lay_members_over(msgspec.structs.replace(kept, cancel_after=None), members)


def _free_choice(choice: str | None) -> str | None:
    """A choice that no longer forces a call; none stays none."""
    return choice if choice in (None, "auto", "none") else "auto"


def find_rounds(task: Scenario, turn: int) -> int:
    """Answers at most to a user turn, counted from 0."""
    own = task.turns[turn - 1].max_rounds if turn else None
    return task.rounds if own is None else own


def count_most_answers(task: Scenario) -> int:
    """Answers that a sample can have at most."""
    return sum(find_rounds(task, turn) for turn in range(len(task.turns) + 1))
