"""The matrix of rules and endpoints, the evidence behind it, and what to do about failures."""

import pandas as pd
from support.made_run import MadeRun, failed, plan, row
from support.recorded import DONE, chunk, exchange, raw_exchange

from byok_bench.checks.finding import Finding
from byok_bench.checks.registry import load_catalogue
from byok_bench.dialects.exchange import Exchange
from byok_bench.report.evidence import list_evidence
from byok_bench.report.matrix import make_error_frame, make_evidence_frame, make_rule_matrix

CUT = Finding(check="stream.truncated", severity="error", message="the body ended", event=1, offset=len(chunk({})))


class Recorded(MadeRun):
    """Each row has the same short stream behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return exchange(raw_exchange([(20.0, chunk({})), (35.0, chunk({"content": "<b>"})), (40.0, DONE)]))


def test_a_rule_that_is_about_no_answer_of_an_endpoint_is_na_and_not_clean() -> None:
    """0 is a judgement; where nothing was judged there is none."""
    rows = [
        row(findings=(CUT,), streamed=True),
        row(findings=(CUT,), streamed=True, repeat=2),
        row(target=1, streamed=True),
        row(target=2, streamed=False),
        row(target=3, status="left_out"),
    ]
    table = make_rule_matrix(MadeRun(rows, plan(("broken", "clean", "whole", "unasked"))))
    assert list(table.index) == ["stream.truncated"]
    assert table.loc["stream.truncated", "severity"] == "error"
    cells = [table.loc["stream.truncated", name] for name in ("broken", "clean", "whole", "unasked")]
    assert cells[:2] == [2, 0]
    assert all(pd.isna(cell) for cell in cells[2:])


def test_the_full_matrix_has_every_passive_rule() -> None:
    """Also those that nobody broke."""
    table = make_rule_matrix(MadeRun([row()], plan(("one",))), broken_only=False)
    assert len(table) == sum(one.mode == "passive" for one in load_catalogue())
    assert table["one"].sum() == 0


def test_warm_up_is_in_no_matrix() -> None:
    """As in no other table."""
    assert make_rule_matrix(MadeRun([row(repeat=0, findings=(CUT,))], plan(("one",)))).empty


def test_evidence_names_the_place_the_time_and_the_bytes() -> None:
    """From the finding's offset on, as escapes, with the arrival of the event that it points at."""
    run = Recorded([row(findings=(CUT,)), row(findings=(CUT,), repeat=2)], plan(("one",)))
    found = list_evidence(run, "stream.truncated")
    assert [one.endpoint for one in found] == ["one", "one"]
    assert (found[0].event, found[0].at_ms) == (1, 35.0)
    assert found[0].excerpt.startswith('data: {"id": "c1"')
    assert "<b>" in found[0].excerpt
    assert len(list_evidence(run, limit=1)) == 1
    assert list(make_evidence_frame([]).columns) == list(make_evidence_frame(found).columns)


def test_failures_are_counted_by_kind_with_what_to_do() -> None:
    """What broke in the middle of a stream wants something else than a port where nothing listens."""
    rows = [
        failed("network", phase="connect", retryable=True),
        failed("network", phase="connect", retryable=True, repeat=2),
        failed("network", phase="stream", retryable=True, target=1),
        row(target=1),
    ]
    table = make_error_frame(MadeRun(rows, plan()))
    assert list(table["n"]) == [2, 1]
    assert "server is running" in table["advice"][0]
    assert "in the middle" in table["advice"][1]
