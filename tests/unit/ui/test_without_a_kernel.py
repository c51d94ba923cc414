"""A saved notebook that nobody runs: as a page made of it, and as GitHub shows it."""

from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from support.made_run import MadeRun, failed, plan, row
from support.recorded import answer

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.ui import stand_in, timeline
from byok_bench.ui.endpoint_form import EndpointForm
from byok_bench.ui.run_faces import Errors, Findings, Results
from byok_bench.ui.run_panel import RunPanel
from byok_bench.ui.run_view import RunView
from byok_bench.ui.workbench import Workbench

BROKEN = Finding(check="stream.truncated", severity="error", message="cut", event=0, offset=0)


class Recorded(MadeRun):
    """Each row has the same short stream behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return answer("a", "b")


def convert(*bundles: dict[str, Any]) -> str:
    """The page of a notebook with these outputs, as it is on disk: without the state of widgets."""
    outputs = [new_output("display_data", data=bundle) for bundle in bundles]
    notebook = new_notebook(cells=[new_code_cell("bb.Workbench()", outputs=outputs)])
    nbformat.validate(notebook)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    return str(page)


def test_what_moves_with_a_kernel_says_that_it_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of what it is made of."""
    made: list[Any] = [EndpointForm(), RunPanel(EndpointForm()), RunView(), Workbench()]
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(stand_in, "display", lambda bundle, raw: shown.append(bundle))
    for one in made:
        one._ipython_display_()
    page = convert(*shown)
    for one in made:
        assert f"{one.stand_in} It needs its kernel: run this cell." in page
    assert "children=" not in page


def test_what_a_run_showed_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdict, tables, a rule whose evidence a click opens without a script, failures, the picture of streams."""
    run = Recorded([row(findings=(BROKEN,), ttft_ms=10.0), failed(target=1, message="boom")], plan())
    shown: list[dict[str, Any]] = [one(run)._repr_mimebundle_() for one in (Results, Findings, Errors)]
    monkeypatch.setattr(timeline, "display", lambda bundle, raw: shown.append(bundle))
    timeline.Timeline(run)._ipython_display_()
    page = convert(*shown)
    for part in ("not usable", "TTFT ms", '<details id="byok-check-stream-truncated">', "Bytes from there on", "boom",
                 'src="data:image/svg+xml', "Answers as a table"):  # fmt: skip
        assert part in page
