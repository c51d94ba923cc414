"""Fault: one thing to do wrong, and the table all faults are entered in.

A fault has up to three steps: `before` the request is read, `amid`, when it is known what was asked for, and `after`,
when the good reply stands. A step changes the Visit in place, or raises Refusal (not in `after`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from byok_bench.backends.simulator.ask import Ask, Body
from byok_bench.backends.simulator.visit import Route, Visit

Need = Literal[
    "stream", "document", "tools", "tool_choice", "include_usage", "no_usage", "json_schema", "key"
]
"""What a request must have for a fault to show: `stream` true, or not (`document`); tools that get called;
a tool_choice; stream_options.include_usage, or not (`no_usage`); response_format json_schema; a demanded key."""
Step = Callable[[Visit], None]
TABLE: dict[str, "Fault"] = {}


@dataclass(frozen=True)
class Fault:
    """One entry of the table."""

    id: str
    about: str
    """What the server does, in a few words."""
    route: Route | None
    """The route it acts on; None: any."""
    needs: tuple[Need, ...]
    before: Step
    amid: Step
    after: Step

    def fits(self, visit: Visit) -> bool:
        """Whether the request has what the fault needs to show."""
        return self.route in (None, visit.route) and all(_MET[need](visit.body or {}) for need in self.needs)

    @property
    def is_check(self) -> bool:
        """Whether the id is a check's; otherwise it is a plain behaviour of a server."""
        return "." in self.id


def _counts_usage(body: Body) -> bool:
    options = body.get("stream_options")
    asked_for = isinstance(options, dict) and options.get("include_usage") is True
    return asked_for or body.get("stream") is not True


def _wants_json(body: Body) -> bool:
    wanted = body.get("response_format")
    return isinstance(wanted, dict) and wanted.get("type") in ("json_schema", "json_object")


_MET: Mapping[Need, Callable[[Body], bool]] = {
    "stream": lambda body: body.get("stream") is True,
    "document": lambda body: body.get("stream") is not True,
    "tools": lambda body: bool(body.get("tools")),
    "tool_choice": lambda body: body.get("tool_choice") is not None,
    "include_usage": _counts_usage,
    "no_usage": lambda body: not _counts_usage(body),
    "json_schema": _wants_json,
    "key": lambda body: True,
}


def nothing(visit: Visit) -> None:
    """The step of a fault that has none."""


def fault(
    id: str,
    about: str,
    *needs: Need,
    route: Route | None = "chat",
    before: Step = nothing,
    amid: Step = nothing,
) -> Callable[[Step], Step]:
    """Enter a fault whose `after` step is the decorated function. It runs on good answers only."""
    wants_stream = "stream" in needs

    def enter(step: Step) -> Step:
        def after(visit: Visit) -> None:
            if visit.is_answer and (visit.is_stream or not wants_stream):
                step(visit)

        _add(Fault(id, about, route, needs, before, amid, after))
        return step

    return enter


def behaviour(id: str, about: str, *needs: Need, route: Route | None = "chat", **steps: Step) -> None:
    """Enter a fault made of steps that run on every request, refused ones too."""
    _add(Fault(id, about, route, needs, **{"before": nothing, "amid": nothing, "after": nothing, **steps}))


def _add(entry: Fault) -> None:
    if entry.id in TABLE:
        raise ValueError(f"fault {entry.id} is entered twice")
    TABLE[entry.id] = entry


def asked(visit: Visit) -> Ask:
    """What was asked for, where a fault can only act if that is known."""
    assert visit.ask is not None
    return visit.ask
