"""A run as a page in a file beside the notebook: a name, a button, and the link to what was written."""

import asyncio
from html import escape
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets
from ipywidgets import HTML, VBox

from byok_bench.errors import ByokBenchError
from byok_bench.report.html import write_html
from byok_bench.report.printable_text import to_printable_line
from byok_bench.runs.results import Run
from byok_bench.ui.action import Action
from byok_bench.ui.field import Field
from byok_bench.ui.form_fields import make_field_row
from byok_bench.ui.remarks import to_sentence

HERE: Final = Path(__file__).parent
DEFAULT_NAME: Final = "report.html"
SAVE: Final = "Save report"
REPLACE: Final = "Replace it"


class FileLink(anywidget.AnyWidget):
    """A link to a file, by its path from the notebook's folder; none without a path."""

    _esm = HERE / "file_link.js"
    _css = HERE / "file_link.css"

    path = traitlets.Unicode("").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)


class ReportSaver(VBox):  # type: ignore[misc]
    """`show(run)`; the button writes that run. A file that is there is replaced by a second press, not by the first."""

    def __init__(self) -> None:
        self.name_field = Field(label="File of the report", value=DEFAULT_NAME)
        self.button = Action(SAVE, hint="One page that needs nothing else, beside the notebook")
        self.button.layout.align_self = "center"  # beside the input, which has a label above and a note below
        self.link = FileLink()
        self._notice = HTML()
        self._run: Run | None = None
        self._told: Path | None = None
        """The file of which it was said that it is there."""
        self._task: asyncio.Task[None] | None = None
        super().__init__([make_field_row(self.name_field, self.button), self._notice, self.link])
        self.button.observe_press(self._begin)
        self.name_field.observe(lambda _: self._forget(), "value")

    def show(self, run: Run) -> None:
        """The run that is written from now on."""
        self._run = run
        self._forget()

    async def save(self) -> Path | None:
        """Write the page; None where nothing was written, which is said."""
        path = read_report_name(self.name_field.value)
        if self._run is None:
            return None
        if path.exists() and path != self._told:
            self._told, self.link.path = path, ""
            self.button.text, self.button.tone = REPLACE, "warning"
            self._say(f"{path} is there already. Replace it, or give another name.", "bad")
            return None
        self._say("Writing …")
        try:
            await asyncio.to_thread(write_html, self._run, path)
        except ByokBenchError as error:
            self._say(to_sentence(error), "bad")
            return None
        self._forget()
        self._say(f"Written: {path}, {path.stat().st_size / 1000:.0f} kB.", "good")
        self.link.text = f"Open {path.name}"
        self.link.path = "" if path.is_absolute() else path.as_posix()
        return path

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run_save())

    async def _run_save(self) -> None:
        """What a press does; the button is off meanwhile."""
        self.button.disabled = True
        try:
            await self.save()
        finally:
            self.button.disabled = False

    def _forget(self) -> None:
        """What was said is of another name, or another run."""
        self._told = None
        self.button.text, self.button.tone = SAVE, "plain"
        self.link.path = ""
        self._say("")

    def _say(self, text: str, tone: str = "plain") -> None:
        said: Any = escape(to_printable_line(text))
        self._notice.value = f"<div role='status' class='byok-note' data-tone='{tone}'>{said}</div>" if text else ""


def read_report_name(text: str) -> Path:
    """The file of that name; `.html` is added to one without an ending, and nothing is `report.html`."""
    path = Path(text.strip() or DEFAULT_NAME).expanduser()
    return path if path.suffix else path.with_name(f"{path.name}.html")
