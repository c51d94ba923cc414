"""What the assembled arguments of tool calls are: blank, an object, an object in a string, or broken.

Judged only where an answer is whole: not after a cut, a stall or an error, not for a choice that ended for its
length or by a filter, and not the free text that a custom tool is called with. Arguments beyond the limits of a
JSON document are left alone.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from byok_bench.dialects.answer import AnswerReading
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.tool_calls import Call
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

_CUT: Final = ("length", "content_filter")


class ArgumentsForm(msgspec.Struct, frozen=True):
    """What a call's arguments are."""

    kind: Literal["blank", "object", "double", "broken", "beyond"]
    value: Any = None
    """The object."""
    detail: str = ""


def judge_calls(answer: AnswerReading) -> Iterator[tuple[Call, ArgumentsForm]]:
    """Every call of an answer whose arguments are judged, with the verdict."""
    for choice in answer.choices if answer.is_complete else ():
        if choice.finish_reason not in _CUT:
            for call in (call for call in choice.calls if not call.is_custom):
                yield call, judge_arguments(call.arguments)


def judge_arguments(arguments: str) -> ArgumentsForm:
    """What a text of arguments is."""
    if not arguments.strip():
        return ArgumentsForm("blank")
    value = bounded_json.decode_json(arguments)
    if isinstance(value, dict):
        return ArgumentsForm("object", value)
    if isinstance(value, str) and isinstance(bounded_json.decode_json(value), dict):
        return ArgumentsForm("double")
    if isinstance(value, Malformed):
        return ArgumentsForm("broken" if value.why == "syntax" else "beyond", detail=value.message)
    return ArgumentsForm("broken", detail=f"they are {render_value(value)}")


def describe_name(name: str | None) -> str:
    """A name as the server wrote it, for a message."""
    return render_value(name) if name else "a function without name"
