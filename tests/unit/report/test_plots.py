"""Plots: what is drawn is what was measured, and it is drawn without a browser."""

from support.made_run import MadeRun, plan, row
from support.recorded import answer, calls, exchange, raw_exchange

from byok_bench.dialects.exchange import Exchange
from byok_bench.report.plots import deltas, first_token, stream_over_time, svg


class Played(MadeRun):
    """Each row has the same exchange behind it."""

    def exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return answer("a", "b", "c")


def test_a_stream_is_a_stair_of_its_deltas() -> None:
    """From the request on: nothing for 20 ms, then one more each 10 ms."""
    assert deltas(answer("a", "b", "c")) == [
        {"ms": 0.0, "deltas": 0},
        {"ms": 20.0, "deltas": 1},
        {"ms": 30.0, "deltas": 2},
        {"ms": 40.0, "deltas": 3},
    ]


def test_a_stream_without_output_is_not_drawn() -> None:
    """There is nothing to show."""
    assert deltas(exchange(raw_exchange([]))) == []
    assert len(deltas(calls(("c", "t", "{}")))) == 2


def test_the_longest_scenario_is_drawn_with_a_line_for_each_target() -> None:
    """It has the most to see."""
    rows = [row(deltas=3), row("long-stream", deltas=90), row("long-stream", target=1, deltas=80)]
    chart = stream_over_time(Played(rows, plan()))
    data = chart.to_dict()["datasets"]
    points = next(iter(data.values()))
    assert "long-stream" in chart.to_dict()["title"]
    assert {point["target"] for point in points} == {"one · m", "two · m"}


def test_first_tokens_are_those_of_good_answers() -> None:
    """No warm-up, no failure, no error scenario."""
    rows = [
        row(ttft_ms=5.0),
        row(repeat=0, ttft_ms=900.0),
        row(kind="server", ttft_ms=900.0),
        row(wants_failure=True),
    ]
    points = next(iter(first_token(MadeRun(rows, plan())).to_dict()["datasets"].values()))
    assert [point["ms"] for point in points] == [5.0]


def test_a_chart_is_drawn_as_svg_also_when_empty() -> None:
    """A report of a run without answers has plots, too."""
    for chart in (first_token(MadeRun([], plan())), stream_over_time(MadeRun([], plan()))):
        assert svg(chart).startswith("<svg")
