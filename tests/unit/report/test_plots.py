"""Plots: what is drawn is what was measured, and it is drawn without a browser."""

import re
from typing import Any

from support.made_run import MadeRun, failed, plan, row
from support.recorded import answer, calls, exchange, raw_exchange, refusal

from byok_bench.dialects.exchange import Exchange
from byok_bench.report.plot_style import shorten_names
from byok_bench.report.plots import draw_first_token, draw_streams, list_delta_points, to_svg
from byok_bench.ui.chart_widget import render_chart


class Played(MadeRun):
    """Each row has the same exchange behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return answer("a", "b", "c")


def test_a_stream_is_a_stair_of_its_deltas() -> None:
    """From the request on: nothing for 20 ms, then one more each 10 ms."""
    assert list_delta_points(answer("a", "b", "c")) == [
        {"ms": 0.0, "deltas": 0},
        {"ms": 20.0, "deltas": 1},
        {"ms": 30.0, "deltas": 2},
        {"ms": 40.0, "deltas": 3},
    ]


def test_a_stream_without_output_is_not_drawn() -> None:
    """There is nothing to show."""
    assert list_delta_points(exchange(raw_exchange([]))) == []
    assert len(list_delta_points(calls(("c", "t", "{}")))) == 2


def datasets(chart: Any) -> list[dict[str, Any]]:
    """All rows of a chart's data."""
    return [line for data in chart.to_dict()["datasets"].values() for line in data]


def ends(chart: Any) -> dict[tuple[str, int], str]:
    """How each answer that is drawn ended."""
    return {(line["target"], line["repeat"]): line["ended"] for line in datasets(chart) if "ended" in line}


def test_the_longest_scenario_is_drawn_with_a_line_for_each_target() -> None:
    """It has the most to see; endpoints are called as in the tables."""
    rows = [row(deltas=3), row("long-stream", deltas=90), row("long-stream", target=1, deltas=80)]
    chart = draw_streams(Played(rows, plan()))
    assert "long-stream, the worst repeat of each" in chart.to_dict()["title"]["text"]
    assert set(ends(chart)) == {("one", 1), ("two", 1)}


def test_the_worst_repeat_of_each_is_drawn() -> None:
    """One that failed before one that did not: a good one would hide it. Unless one is named, or every one."""
    rows = [
        row(deltas=3), row(deltas=3, repeat=2, kind="protocol"), row(target=1, deltas=3),
        row(target=1, deltas=3, repeat=2),
    ]  # fmt: skip
    run = Played(rows, plan())
    assert ends(draw_streams(run))["one", 2] == "protocol"
    assert set(ends(draw_streams(run, repeat=1))) == {("one", 1), ("two", 1)}
    assert len(ends(draw_streams(run, repeat="every"))) == 4


def test_how_an_answer_ended_is_drawn() -> None:
    """Its kind stands where it failed."""
    rows = [row(deltas=3), failed("protocol", deltas=3, target=1)]
    assert ends(draw_streams(Played(rows, plan()))) == {("one", 1): "complete", ("two", 1): "protocol"}


class FarApart(MadeRun):
    """The first answer takes 50 ms, the second 5 s; the third is refused at once."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        if exchange_id == 2:
            return refusal(429, "later")
        return answer("a", "b", "c", gap_ms=(10.0, 1500.0)[exchange_id])


def test_targets_that_are_far_apart_share_one_logarithmic_axis() -> None:
    """With an axis each, a server forty times slower draws the same diagonal."""
    rows = [row(target=n, exchange_id=n, deltas=3 * (n < 2), kind=("rate_limit" if n == 2 else None)) for n in range(3)]
    panels = draw_streams(FarApart(rows, plan(("quick", "slow", "busy")))).to_dict()["vconcat"]
    scales = [panel["layer"][0]["encoding"]["x"]["scale"] for panel in panels]
    assert [panel["layer"][0]["encoding"]["y"]["axis"]["title"] for panel in panels] == ["quick", "slow", "busy"]
    assert all(scale == scales[0] and scale["type"] == "log" for scale in scales)


def test_long_names_are_shortened_and_stay_different() -> None:
    """A label that is as wide as the plot leaves no room for it."""
    names = [f"OpenRouter via the European proxy of the company, region {n}" for n in range(12)]
    short = list(shorten_names(names).values())
    assert max(map(len, short)) <= 24
    assert len(set(short)) == 12


def test_first_tokens_are_those_of_good_answers() -> None:
    """No warm-up, no failure, no error scenario."""
    rows = [
        row(ttft_ms=5.0),
        row(repeat=0, ttft_ms=900.0),
        row(kind="server", ttft_ms=900.0),
        row(wants_failure=True),
    ]
    points = next(iter(draw_first_token(MadeRun(rows, plan())).to_dict()["datasets"].values()))
    assert [point["ms"] for point in points] == [5.0]


def test_a_picture_of_a_chart_stays_and_tells_its_marks() -> None:
    """Without a script: each tick names its endpoint, scenario and time; what the page says is its title."""
    run = MadeRun([row(ttft_ms=12.5, e2e_ms=20.0)], plan(("a <b> label",)))
    page = render_chart(draw_first_token(run)).data
    [tip] = {text for text in re.findall("<title>(.*?)</title>", page) if "scenario: plain-answer" in text}
    assert "target: a &lt;b&gt; label" in tip
    assert "ms: 12.5" in tip
    assert "aria-label='Time to first token'" in page
    assert "currentColor" in page
    assert "<script" not in page


def test_a_chart_is_drawn_as_svg_also_when_empty() -> None:
    """A report of a run without answers has plots, too."""
    for chart in (draw_first_token(MadeRun([], plan())), draw_streams(MadeRun([], plan()))):
        assert to_svg(chart).startswith("<svg")
