"""Fault: one thing to do wrong, and the table all faults are entered in.

A fault has up to three steps: `before` the request is read, `amid`, when it is known what was asked for, and `after`,
when the good reply stands. A step changes the Visit in place, or raises Refusal (not in `after`).

Most faults were made for chat, many for its streams. `widen` says how one shows in other forms of an answer, too:
it changes what is said before a dialect writes it, or the reply of that form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from byok_bench.backends.simulator.answer import Answer
from byok_bench.backends.simulator.ask import Ask, Body
from byok_bench.backends.simulator.visit import Route, Visit

Need = Literal["stream", "document", "tools", "tool_choice", "include_usage", "no_usage", "json_schema", "key"]
"""What a request must have for a fault to show: `stream` true, or not (`document`); tools that get called;
a tool_choice; stream_options.include_usage, or not (`no_usage`); response_format json_schema; a demanded key."""
Step = Callable[[Visit], None]
Change = Callable[[Visit, Answer], None]
"""Changes what is said, in place, before it is written."""
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
    wide: "Widening | None" = None
    """How it shows in other forms of an answer."""

    def can_show(self, visit: Visit) -> bool:
        """Whether the request has what the fault needs to show."""
        return self._can_show_as_made(visit) or self._is_widened_to(visit)

    def change_answer(self, visit: Visit, one: Answer) -> None:
        """Change what is said, in a form that the fault was widened to."""
        if self.wide is not None and self._is_widened_to(visit):
            self.wide.change(visit, one)

    def change_reply(self, visit: Visit) -> None:
        """Change the reply, by the step that is made for its form."""
        if self.wide is None or not self._is_widened_to(visit):
            self.after(visit)
        elif visit.is_answer:
            self.wide.after(visit)

    def _can_show_as_made(self, visit: Visit) -> bool:
        return self.route in (None, visit.route) and all(_MET[need](visit.body or {}) for need in self.needs)

    def _is_widened_to(self, visit: Visit) -> bool:
        if self.wide is None or self._can_show_as_made(visit):
            return False
        form = (visit.route, _MET["stream"](visit.body or {}))
        needs = [need for need in self.needs if need not in _OF_CHAT_STREAMS]
        return form in self.wide.forms and all(_MET[need](visit.body or {}) for need in needs)

    @property
    def is_check(self) -> bool:
        """Whether the id is a check's; otherwise it is a plain behaviour of a server."""
        return "." in self.id


Form = tuple[Route, bool]
"""(route, streamed): one form of an answer."""
WHOLE_CHAT: tuple[Form, ...] = (("chat", False),)
RESPONSES: tuple[Form, ...] = (("responses", True), ("responses", False))
MESSAGES: tuple[Form, ...] = (("messages", True), ("messages", False))


@dataclass(frozen=True)
class Widening:
    """How a fault shows in forms of an answer that it was not made for."""

    forms: tuple[Form, ...]
    change: Change
    after: Step


_OF_CHAT_STREAMS: tuple[Need, ...] = ("stream", "include_usage")
"""Needs that a form other than a chat stream does not have."""


def _has_usage(body: Body) -> bool:
    options = body.get("stream_options")
    asked_for = isinstance(options, dict) and options.get("include_usage") is True
    return asked_for or body.get("stream") is not True


def _has_json_format(body: Body) -> bool:
    text, config = body.get("text"), body.get("output_config")
    typed = [one.get("format") for one in (text, config) if isinstance(one, dict)]
    modes = [one.get("type") for one in (body.get("response_format"), *typed) if isinstance(one, dict)]
    return "json_schema" in modes or "json_object" in modes


_MET: Mapping[Need, Callable[[Body], bool]] = {
    "stream": lambda body: body.get("stream") is True,
    "document": lambda body: body.get("stream") is not True,
    "tools": lambda body: bool(body.get("tools")),
    "tool_choice": lambda body: body.get("tool_choice") is not None,
    "include_usage": _has_usage,
    "no_usage": lambda body: not _has_usage(body),
    "json_schema": _has_json_format,
    "key": lambda body: True,
}


def leave_visit(visit: Visit) -> None:
    """The step of a fault that has none."""


def leave_answer(visit: Visit, one: Answer) -> None:
    """The change of a fault that leaves what is said as it is."""


def fault(
    id: str,
    about: str,
    *needs: Need,
    route: Route | None = "chat",
    before: Step = leave_visit,
    amid: Step = leave_visit,
) -> Callable[[Step], Step]:
    """Enter a fault whose `after` step is the decorated function. It runs on good answers only."""
    wants_stream = "stream" in needs

    def enter(step: Step) -> Step:
        def after(visit: Visit) -> None:
            if visit.is_answer and (visit.is_stream or not wants_stream):
                step(visit)

        _add_fault(Fault(id, about, route, needs, before, amid, after))
        return step

    return enter


def enter_behaviour(id: str, about: str, *needs: Need, route: Route | None = "chat", **steps: Step) -> None:
    """Enter a fault made of steps that run on every request, refused ones too."""
    before, amid, after = (steps.get(name, leave_visit) for name in ("before", "amid", "after"))
    _add_fault(Fault(id, about, route, needs, before, amid, after))


def widen(id: str, *forms: Form, change: Change = leave_answer, after: Step = leave_visit) -> None:
    """Let a fault show in more forms of an answer. Raises KeyError for an id that is none."""
    TABLE[id] = replace(TABLE[id], wide=Widening(forms, change, after))


def _add_fault(entry: Fault) -> None:
    if entry.id in TABLE:
        raise ValueError(f"fault {entry.id} is entered twice")
    TABLE[entry.id] = entry


def get_ask(visit: Visit) -> Ask:
    """What was asked for, where a fault can only act if that is known."""
    assert visit.ask is not None
    return visit.ask
