"""One button, the only kind that the forms use.

Why not ipywidgets' own: a button that is disabled while something goes on drops the keyboard's focus to the page's
top. This one is marked as disabled for everyone and keeps the focus; a button that opens something says whether it is
open.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

HERE = Path(__file__).parent


class Action(anywidget.AnyWidget):
    """`Action("Test", tone="primary")`; a press while it is disabled does nothing."""

    _esm = HERE / "action.js"
    _css = HERE / "action.css"

    text = traitlets.Unicode("").tag(sync=True)
    tone = traitlets.Enum(["plain", "primary", "warning", "danger"], default_value="plain").tag(sync=True)
    hint = traitlets.Unicode("").tag(sync=True)
    """What it does, where its text does not say so."""
    disabled = traitlets.Bool(False).tag(sync=True)
    hidden = traitlets.Bool(False).tag(sync=True)
    hotkey = traitlets.Unicode("").tag(sync=True)
    """A key that presses it together with Ctrl, from anywhere within the widget of class `scope`."""
    scope = traitlets.Unicode("").tag(sync=True)
    expanded: Any = traitlets.Bool(None, allow_none=True).tag(sync=True)
    """Whether what it opens is open; None for a button that opens nothing."""

    def __init__(self, text: str, tone: str = "plain", **traits: Any) -> None:
        super().__init__(text=text, tone=tone, **traits)
        self._listeners: list[Callable[[], Any]] = []
        self.on_msg(self._receive)

    def observe_press(self, callback: Callable[[], Any]) -> None:
        """Call `callback()` when it is pressed."""
        self._listeners.append(callback)

    def press(self) -> None:
        """What a click does."""
        if not self.disabled:
            for listener in self._listeners:
                listener()

    def focus(self) -> None:
        """Put the keyboard's focus on it."""
        self.send({"kind": "focus"})

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if content.get("kind") == "press":
            self.press()


def make_disclosure(text: str, opened: Any) -> Action:
    """A button that shows and hides a widget, which is hidden at first."""
    made = Action(text, expanded=False)

    def toggle() -> None:
        made.expanded = not made.expanded
        opened.layout.display = None if made.expanded else "none"

    opened.layout.display = "none"
    made.observe_press(toggle)
    return made
