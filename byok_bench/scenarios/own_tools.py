"""OwnTool: a tool that a scenario brings as data: its signature, and what it answers to which arguments.

The first result that fits the arguments and is not used up is the answer. Nothing in here is code: a template is
filled with the arguments, and knows nothing else.
"""

from collections.abc import Mapping
from string import Template
from typing import Any

import msgspec

from byok_bench.checks.json_schema import is_same_json
from byok_bench.scenarios.prose import make_prose
from byok_bench.scenarios.tools import build_object_schema, is_fitting, to_result_text


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One row of what a tool answers; exactly one of result, template, words and error is given."""

    arguments: dict[str, Any] | None = None
    """Fits these alone, equal as JSON; None: any."""
    pattern: dict[str, str] = {}
    """Fits where each of these arguments holds what its regular expression looks for."""
    result: Any = None
    """JSON, or a text that is sent as it is."""
    template: str | None = None
    """A text with `${name}` for each argument to fill in."""
    words: int | None = None
    """A text of so many words, another one for each row."""
    error: str | None = None
    """The call fails with these words."""
    times: int | None = None
    """How often it is used; None: always."""
    delay: int = 0
    """A late result: it comes so many answers after the call."""

    def is_for(self, values: Mapping[str, Any]) -> bool:
        """Whether it is for these arguments."""
        if self.arguments is not None and not is_same_json(dict(values), self.arguments):
            return False
        return is_fitting(values, self.pattern)

    def render_text(self, values: Mapping[str, Any], position: int = 0) -> str:
        """The text that is sent for these arguments; `position`: of the row in its tool."""
        if self.words is not None:
            return make_prose(self.words, position)
        if self.error is not None:
            return to_result_text({"error": self.error})
        if self.template is not None:
            return Template(self.template).safe_substitute({name: to_result_text(one) for name, one in values.items()})
        return to_result_text(self.result)


class OwnTool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tool of a scenario's own."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=build_object_schema)
    """JSON Schema of the arguments."""
    results: tuple[ToolResult, ...] = ()


NO_RESULT = to_result_text({"error": "no result for these arguments"})
"""What a call is answered with that no row fits."""
