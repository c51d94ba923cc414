"""One labelled input: the only kind that the forms use.

Why not ipywidgets' own: its Text reports either every key stroke as the value or nothing before blur, so a
form cannot both preview while typing and save on blur; and its Password is a synced value, which nbclient
and JupyterLab write into the saved notebook. Here `value` changes on blur and Enter, `draft` follows the typing
where that is wanted, and a secret travels as a message that no state keeps.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

HERE = Path(__file__).parent


class _Labelled(anywidget.AnyWidget):
    """An input with its label above and a note below; the label is tied to it for screen readers."""

    _esm = HERE / "field.js"
    _css = HERE / "field.css"

    kind = traitlets.Enum(["text", "secret", "area", "choice"], default_value="text").tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    placeholder = traitlets.Unicode("").tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)
    """One line below the input: a hint, or what is wrong."""
    tone = traitlets.Enum(["plain", "good", "bad"], default_value="plain").tag(sync=True)
    """How the note reads: `bad` also marks the input as invalid."""
    disabled = traitlets.Bool(False).tag(sync=True)
    hidden = traitlets.Bool(False).tag(sync=True)

    def say(self, text: str, tone: str = "plain") -> None:
        """Set the note and its tone together."""
        with self.hold_sync():
            self.note, self.tone = text, tone

    def focus(self) -> None:
        """Put the cursor into it, on the whole of its text."""
        self.send({"kind": "focus"})


class Field(_Labelled):
    """A text field, an area of several lines, or a choice."""

    value = traitlets.Unicode("").tag(sync=True)
    """What was entered, as of the last blur, Enter or choice."""
    follow = traitlets.Bool(False).tag(sync=True)
    """Whether `draft` is kept up while typing."""
    draft = traitlets.Unicode("").tag(sync=True)
    """What stands in the input while typing."""
    options: Any = traitlets.List().tag(sync=True)
    """[value, text, greyed] triples: what a choice offers; for a text only suggestions, never bound to."""
    rows = traitlets.Int(1).tag(sync=True)

    def offer(self, options: Sequence[tuple[str, str, bool]], value: str | None = None) -> None:
        """Set what is offered, and the value with it."""
        with self.hold_sync():
            self.options = [list(one) for one in options]
            if value is not None:
                self.value = value

    def suggest(self, texts: Sequence[str]) -> None:
        """Offer texts to pick from; anything else may be typed."""
        self.offer([(text, text, False) for text in texts])


class SecretField(_Labelled):
    """An input for a key: its text leaves the browser once, as a message, and is then emptied.

    It has no `value`: nothing of the key is ever part of the widget's state.
    """

    def __init__(self, **traits: Any) -> None:
        super().__init__(kind="secret", **traits)

    def observe_entered(self, callback: Callable[[str], None]) -> None:
        """Call `callback(text)` when a key was entered (Enter, or leaving the field with text in it)."""

        def receive(_widget: Any, content: Any, _buffers: Any) -> None:
            if isinstance(content, dict) and content.get("kind") == "entered":
                callback(str(content.get("text", "")))

        self.on_msg(receive)
