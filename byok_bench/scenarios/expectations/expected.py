"""What every expectation is, and what it looks at: the recorded answers of one sample.

Pure functions of the record: nothing is sent, so a stored run can be judged again. An expectation gives None when
it is met and one sentence when it is not. Broken wire rules are the checks' business, not in here.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import Output, ToolCall
from byok_bench.scenarios.tools import Tool


class AskedTurn(msgspec.Struct, frozen=True):
    """What one user turn asked for, as expectations need it."""

    answer_schema: dict[str, Any] | None
    facts: Sequence[str]


class PlayedSample(msgspec.Struct, frozen=True):
    """What expectations look at: the exchanges of one sample, in the order of the answers, and what was offered."""

    turns: Sequence[Exchange]
    """At least one."""
    tools: Mapping[str, Tool]
    answer_schema: dict[str, Any] | None
    """JSON Schema that the last answer's request demanded of the text."""
    parts: Sequence[Sequence[Exchange]] = ()
    """The same exchanges by user turn; empty: all are of one."""
    state: Any = None
    """Of the environment after the last call, as JSON; None where there is none."""
    facts: Sequence[str] = ()
    """What the facts hidden in the last answer's prompt are known by."""
    asked: Sequence["AskedTurn"] = ()
    """What was asked in each user turn; empty: the same in all."""

    @property
    def calls(self) -> list[ToolCall]:
        """Tool calls of all turns."""
        return [call for turn in self.turns for call in turn.output.tool_calls]

    @property
    def last(self) -> Output:
        """The last answer."""
        return self.turns[-1].output

    def find_part(self, turn: int) -> "PlayedSample | None":
        """The same of one user turn alone, counted from 0; None if it was not reached."""
        parts = self.parts or (self.turns,)
        if not 0 <= turn < len(parts) or not parts[turn]:
            return None
        of_turn = {} if not self.asked else msgspec.structs.asdict(self.asked[turn])
        return msgspec.structs.replace(self, turns=parts[turn], parts=parts, **of_turn)


class _AbstractStruct(msgspec.StructMeta, ABCMeta):
    """Of structs with a method that each kind has to have."""


class Expected(
    msgspec.Struct,
    metaclass=_AbstractStruct,
    frozen=True,
    kw_only=True,
    tag_field="what",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """One thing that is expected of a sample."""

    name: str | None = None
    """By which a mistake names it, where two of a sample are of one kind."""
    turn: int | None = None
    """The user turn that it is about, counted from 0; without it the last answer, or the calls of all."""

    @property
    def label(self) -> str:
        """What a mistake names it by: its name, else what it expects."""
        return self.name or str(self.__struct_config__.tag)

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        part = seen if self.turn is None else seen.find_part(self.turn)
        return f"user turn {self.turn} was not reached" if part is None else self.judge_part(part)

    @abstractmethod
    def judge_part(self, seen: PlayedSample) -> str | None:
        """The same of the user turn that it is about."""
