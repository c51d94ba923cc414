"""How two readings of one answer differ, in the words of docs/sdk.md."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from support.sdk import Call, Seen

_MADE_UP = re.compile(r"call_[0-9a-f]{16}")
"""Ids of the simulator's calls, which are drawn."""
_QUOTED = 36
"""Characters of a quotation."""
_SAID = 72
"""Characters of an exception."""
_LISTED = 3
"""Calls that are shown where there are too many."""


def told(seen: Seen, want: Seen) -> str:
    """What a user is told or gets, where `want` is the answer; empty if just that."""
    if seen.elsewhere is not None:
        return f"the request, prompt and all, goes on to {code(seen.elsewhere)}"
    different = "; ".join(_differences(seen, want))
    if seen.error is None:
        return f"{different}; a `UserWarning` on stderr" if seen.warned else different
    raised = f"raises {code(_cut(seen.error, _SAID))}"
    if replace(seen, error=None, warned=False) == Seen():
        return raised
    return f"{raised} with {'part of' if different else 'all of'} the answer read"


def numbered(seen: Seen) -> Seen:
    """The ids that the simulator draws as call_1, call_2 in the order in which they come."""
    names: dict[str, str] = {}

    def one(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"call_{len(names) + 1}")

    return replace(
        seen,
        calls=[
            replace(call, id=_MADE_UP.sub(one, call.id)) if isinstance(call.id, str) else call for call in seen.calls
        ],
    )


def code(text: str) -> str:
    """A code span that may stand in a table."""
    fence, space = ("``", " ") if "`" in text else ("`", "")
    while fence in text:
        fence += "`"
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


def _differences(seen: Seen, want: Seen) -> Iterator[str]:
    yield from _text("text", seen.text, want.text)
    yield from _text("refusal", seen.refusal, want.refusal)
    yield from _calls(seen.calls, want.calls)
    if seen.finish_reason != want.finish_reason:
        yield f"finish_reason {code(repr(seen.finish_reason))} in place of {code(repr(want.finish_reason))}"
    if seen.usage is None and want.usage is not None:
        yield "no usage"
    elif seen.usage is not None and seen.usage != want.usage:
        for name, value in seen.usage.items():
            wanted = (want.usage or {}).get(name)
            if value != wanted:
                yield f"{name} {code(repr(value))} in place of {code(repr(wanted))}"


def _calls(got: list[Call], want: list[Call]) -> Iterator[str]:
    if len(got) != len(want):
        calls = [code(_cut(f"{call.name}({call.arguments})", _QUOTED)) for call in got]
        listed = ", ".join(calls[:_LISTED] + ["…"] * (len(calls) > _LISTED))
        number = f"{len(got)} call{'s' if len(got) > 1 else ''} in place of {len(want)}"
        yield f"{number}: {listed}" if got else "no call"
        return
    for have, wanted in zip(got, want, strict=True):
        for name in ("id", "name", "arguments"):
            yield from _text(name, getattr(have, name), getattr(wanted, name))


def _text(name: str, got: Any, want: Any) -> Iterator[str]:
    if got == want:
        return
    if not got:
        yield f"no {name}"
    elif not isinstance(got, str):
        yield f"{name} is {code(_cut(repr(got), _QUOTED))}"
    elif not want:
        yield f"{name} {_quote(got)} where none was sent"
    elif want.startswith(got):
        yield f"{name} cut after {len(got)} of {len(want)} characters"
    elif got.startswith(want):
        yield f"{name} followed by {_quote(got[len(want) :])}"
    elif got.endswith(want):
        yield f"{name} preceded by {_quote(got[: -len(want)])}"
    else:
        yield f"other {name}: {_around(got, want)} in place of {_around(want, got)}"


def _around(text: str, other: str) -> str:
    """The text from shortly before the first difference."""
    same = next((at for at, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    start = max(0, same - 8)
    return _quote(("…" if start else "") + text[start:])


def _quote(text: str) -> str:
    return code(_cut(repr(text)[1:-1], _QUOTED))


def _cut(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[:length].rstrip()}…"
