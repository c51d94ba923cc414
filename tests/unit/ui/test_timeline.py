"""The timeline's widget: what goes to a front end, what it asks for, and what stays without a kernel."""

import base64
import struct
from typing import Any

import pytest
from support.made_run import MadeRun, plan, row
from support.recorded import DONE, chunk, exchange, raw_exchange

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.ui import timeline
from byok_bench.ui.timeline import HERE, MODULES, Timeline, load_front_end

BROKEN = Finding(check="stream.truncated", severity="error", message="cut", event=1, offset=30)


class Recorded(MadeRun):
    """Each row has the same answer behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return exchange(raw_exchange([(5.0, chunk({"content": "secret words"})), (9.0, DONE)]))


class Listening(Timeline):
    """What goes to the front end as messages is kept."""

    def send(self, content: Any, buffers: Any = None) -> None:
        self.__dict__.setdefault("sent", []).append(content)


class Drawer:
    """Stands in for the drawer."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def add_run(self, run: Any) -> None:
        pass

    def show_answers(self, run: Any, exchange_ids: list[int], at: int, offset: int | None) -> None:
        self.shown.append((exchange_ids, at, offset))


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> Drawer:
    made = Drawer()
    monkeypatch.setattr(timeline, "find_drawer", lambda: made)
    return made


def a_run() -> Recorded:
    rows = [row(exchange_id=1, deltas=2, findings=(BROKEN,)), row(exchange_id=2, target=1, deltas=2)]
    return Recorded([*rows, row("forced-tool", exchange_id=3, deltas=1)], plan(("one", "two")))


def test_columns_go_over_as_bytes_and_no_text_of_an_answer_does() -> None:
    """A notebook may save the state of its widgets."""
    made = Timeline(a_run())
    assert struct.unpack("<4i", made.packet_us) == (5_000, 9_000, 5_000, 9_000)
    assert struct.unpack("<3i", made.firsts) == (0, 2, 4)
    assert made.shown == len(made.lanes) == 2
    assert "secret words" not in str(made.get_state())


def test_a_prompt_is_chosen_in_code_or_by_the_front_end() -> None:
    """Both load its columns; a number that is none shows that there is nothing."""
    made = Timeline(a_run(), scenario="forced-tool")
    assert (made.prompts, made.prompt, made.shown) == (["forced-tool", "plain-answer"], 0, 1)
    before = made.revision
    made.prompt = 1
    assert (made.shown, made.revision) == (2, before + 1)
    made.prompt = 7
    assert (made.shown, made.about) == (0, "No answer was recorded.")


def test_another_run_keeps_the_prompt_that_was_chosen() -> None:
    """More repeats of a run are looked at where one was looking."""
    made = Timeline(a_run())
    assert made.prompt == 1
    made.prompt = 0
    made.show(a_run())
    assert made.prompt == 0


def test_a_click_opens_its_answer_at_its_byte(drawer: Drawer) -> None:
    """Up and down go through the answers beside it; a lane that is none opens nothing."""
    made = Listening(a_run())
    made._receive(made, {"kind": "open", "lane": 1, "offset": 12}, [])
    made._receive(made, {"kind": "open", "lane": 9, "offset": None}, [])
    assert drawer.shown == [([1, 2], 1, 12)]


def test_a_selection_is_measured() -> None:
    """Lanes that are none are left out."""
    made = Listening(a_run())
    made._receive(made, {"kind": "measure", "start": 0, "end": 6_000, "first": 1, "last": 4}, [])
    told = made.sent[-1]
    assert (told["kind"], told["about"]) == ("statistics", "From 0.0 to 6.0 ms")
    assert [line[:3] for line in told["rows"]] == [["two", "1", "1"]]


def test_alone_in_a_cell_it_leaves_a_picture_beside_the_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterLab shows nothing else of a widget whose kernel is gone; the widget hides the picture by its token."""
    made, shown = Timeline(a_run()), []
    monkeypatch.setattr(timeline, "display", lambda bundle, raw: shown.append(bundle))
    made._ipython_display_()
    picture, widget = shown
    assert f"data-byok-picture='{made.token}'" in picture["text/html"]
    assert picture["image/svg+xml"].startswith("<svg")
    assert base64.b64encode(picture["image/svg+xml"].encode()).decode() in picture["text/html"]
    assert "<svg" not in picture["text/html"], "JupyterLab takes it out of a notebook that it does not trust"
    assert widget["application/vnd.jupyter.widget-view+json"]["model_id"] == made.model_id
    assert "text/html" not in widget


def test_before_a_run_there_is_nothing_to_see() -> None:
    """In words."""
    assert "Nothing was run yet" in Timeline().render_picture()
    assert Timeline().shown == 0


def test_every_script_of_the_front_end_is_in_its_module() -> None:
    """A file that is not listed is missing in the browser, and nothing says so."""
    there = {path.stem for path in HERE.glob("timeline*.js")}
    assert there == {"timeline", *(f"timeline_{name}" for name in MODULES)}
    assert load_front_end().count("export default") == 1
