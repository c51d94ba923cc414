"""A list of things to tick: with a filter, one stop of the Tab key, arrows within. Endpoints, scenarios, models."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import msgspec
import traitlets

HERE = Path(__file__).parent


class Tickable(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list."""

    id: str
    text: str
    note: str = ""
    """Beside it, small: how a test ended, what a thing is for."""
    hint: str = ""
    """Under the pointer and for screen readers: the prompt of a scenario."""
    group: str = ""
    """Lines of one group stand below its heading."""
    disabled: bool = False


class TickList(anywidget.AnyWidget):
    """`offer(tickables, ticked)`; `ticked` holds ids in the order of the list."""

    _esm = HERE / "tick_list.js"
    _css = HERE / "tick_list.css"

    label = traitlets.Unicode("").tag(sync=True)
    hidden = traitlets.Bool(False).tag(sync=True)
    items: Any = traitlets.List().tag(sync=True)
    ticked: Any = traitlets.List(traitlets.Unicode()).tag(sync=True)
    filter_from = traitlets.Int(8).tag(sync=True)
    """From how many lines on there is a filter."""

    def offer(self, tickables: Sequence[Tickable], ticked: Sequence[str]) -> None:
        """Set what can be ticked and what is; ids that are not offered are dropped."""
        known = [one.id for one in tickables if not one.disabled]
        with self.hold_sync():
            self.items = [msgspec.to_builtins(one) for one in tickables]
            self.ticked = [id for id in known if id in set(ticked)]

    def observe_ticked(self, callback: Callable[[list[str]], Any]) -> None:
        """Call `callback(ids)` whenever what is ticked changes."""
        self.observe(lambda change: callback(list(change["new"])), "ticked")
