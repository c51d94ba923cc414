"""One labelled text field: the only input the forms use.

Why not ipywidgets' own: its Text either reports every key stroke as the value or nothing before blur, so a
form cannot both preview while typing and save on blur; and its Password is a synced value, which nbclient
and JupyterLab write into the saved notebook. Here `draft` follows the typing, `value` changes on blur and
Enter, and a secret travels as a message that no state keeps.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

HERE = Path(__file__).parent


class Field(anywidget.AnyWidget):
    """A text input with its label above and a note below; the label is tied to it for screen readers."""

    _esm = HERE / "field.js"
    _css = HERE / "field.css"

    label = traitlets.Unicode("").tag(sync=True)
    value = traitlets.Unicode("").tag(sync=True)
    """What was entered, as of the last blur or Enter."""
    draft = traitlets.Unicode("").tag(sync=True)
    """What stands in the input while typing."""
    placeholder = traitlets.Unicode("").tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)
    """One line below the input: a hint, or what is wrong."""
    tone = traitlets.Enum(["plain", "good", "bad"], default_value="plain").tag(sync=True)
    """How the note reads: `bad` also marks the input as invalid."""
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Suggestions; the value is never bound to them."""
    disabled = traitlets.Bool(False).tag(sync=True)


class SecretField(anywidget.AnyWidget):
    """An input for a key: its text leaves the browser once, as a message, and is then emptied.

    It has no `value`: nothing of the key is ever part of the widget's state.
    """

    _esm = HERE / "field.js"
    _css = HERE / "field.css"

    label = traitlets.Unicode("").tag(sync=True)
    placeholder = traitlets.Unicode("").tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)
    tone = traitlets.Enum(["plain", "good", "bad"], default_value="plain").tag(sync=True)
    secret = traitlets.Bool(True).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def on_entered(self, callback: Callable[[str], None]) -> None:
        """Call `callback(text)` when a key was entered (Enter or blur with text)."""

        def receive(_widget: Any, content: Any, _buffers: Any) -> None:
            if isinstance(content, dict) and content.get("kind") == "entered":
                callback(str(content.get("text", "")))

        self.on_msg(receive)
