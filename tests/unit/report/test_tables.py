"""Tables of small runs that were written out by hand, with values worked out on paper."""

from typing import Any

import pandas as pd
import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.checks.finding import Finding
from byok_bench.endpoints.endpoint import Tls
from byok_bench.report.frames import make_table_frame
from byok_bench.report.tables import list_table_lines
from byok_bench.runs.measuring.timed_sections import Health
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.results import TABLES

TWO = plan()


def only(made: pd.DataFrame, **where: Any) -> dict[str, Any]:
    """The one line of a table with these cells."""
    for column, value in where.items():
        made = made[made[column] == value]
    assert len(made) == 1
    return dict(made.iloc[0])


def found(check: str, severity: Any = "error") -> tuple[Finding, ...]:
    """One finding."""
    return (Finding(check=check, severity=severity, message="x"),)


def test_latency_counts_all_and_times_the_good() -> None:
    """n holds the failed one, its time is in no median, warm-up is nowhere."""
    rows = [
        row(repeat=1, ttft_ms=10.0, e2e_ms=100.0, ttfb_ms=9.0, late_ms=1.0),
        row(repeat=2, ttft_ms=30.0, e2e_ms=300.0, ttfb_ms=29.0, late_ms=3.0),
        failed(repeat=3, ttft_ms=1.0, e2e_ms=1.0),
        row(repeat=0, ttft_ms=5_000.0, e2e_ms=5_000.0),
        row(repeat=1, target=1, ttft_ms=7.0, e2e_ms=8.0),
        row("bad-key", wants_failure=True, ttft_ms=1.0),
    ]
    made = make_table_frame(MadeRun(rows, TWO), "latency")
    first = only(made, endpoint="one", scenario="plain-answer")
    assert (first["n"], first["failed"], first["excluded"]) == (3, 1, 0)
    assert (first["ttft_ms"], first["e2e_ms"], first["ttfb_ms"], first["wait_ms"]) == (20.0, 200.0, 19.0, 2.0)
    assert pd.isna(first["ttft_low_ms"])
    assert pd.isna(first["ttft_p90_ms"])
    assert only(made, endpoint="two")["ttft_ms"] == 7.0
    assert "bad-key" not in list(made["scenario"])


def test_a_time_that_nobody_had_is_na_and_never_zero() -> None:
    """All failed: the counts are there, the times are not."""
    line = only(make_table_frame(MadeRun([failed(), failed(repeat=2)], TWO), "latency"))
    assert (line["n"], line["failed"]) == (2, 2)
    assert pd.isna(line["ttft_ms"])


def test_the_tail_is_shown_once_there_are_samples_for_it() -> None:
    """p90 from 10 on, p99 from 100 on, the interval from 6 on."""
    rows = [row(repeat=n, ttft_ms=float(n), e2e_ms=1.0) for n in range(1, 12)]
    line = only(make_table_frame(MadeRun(rows, TWO), "latency"))
    assert line["ttft_p90_ms"] == 10.0
    assert pd.isna(line["ttft_p99_ms"])
    assert line["ttft_low_ms"] <= line["ttft_ms"] == 6.0 <= line["ttft_high_ms"]


def test_what_was_left_out_is_counted_as_excluded() -> None:
    """It is not in n, and not forgotten."""
    rows = [row(), row(repeat=2, status="left_out", outcome="excluded", attempt=0, http_status=None)]
    line = only(make_table_frame(MadeRun(rows, TWO), "latency"))
    assert (line["n"], line["failed"], line["excluded"]) == (1, 0, 1)


def test_load_stages_are_lines_of_their_own() -> None:
    """One and four at once are not mixed; a plain run has no such column."""
    ladder = plan(loads=(ClosedLoad(), ClosedLoad(concurrency=4)))
    rows = [row(ttft_ms=1.0), row(stage=1, ttft_ms=4.0)]
    made = make_table_frame(MadeRun(rows, ladder), "latency")
    assert dict(zip(made["load"], made["ttft_ms"], strict=True)) == {"1 at once": 1.0, "4 at once": 4.0}
    assert "load" not in make_table_frame(MadeRun(rows[:1], TWO), "latency")


def test_streaming_counts_exchanges_that_broke_a_rule() -> None:
    """An exchange with two findings counts once; optional ones do not count."""
    rows = [
        row(
            findings=found("stream.utf8") + found("delta.object"),
            itl_ms=(10.0, 0.0, 20.0, 30.0),
            tpot_ms=20.0,
        ),
        row(repeat=2, findings=found("usage.zero", "warn"), itl_ms=(20.0,), tpot_ms=20.0),
        row(repeat=3, findings=found("stream.bom", "info"), itl_ms=(20.0,), tpot_ms=25.0),
        failed(repeat=4, findings=found("stream.truncated")),
    ]
    line = only(make_table_frame(MadeRun(rows, TWO), "streaming"))
    assert (line["n"], line["failed"], line["errors"], line["warnings"]) == (4, 1, 2, 1)
    assert line["itl_ms"] == 20.0
    assert line["packed_percent"] == pytest.approx(100 / 6, abs=0.01)
    assert line["tokens_per_s"] == 50.0
    assert line["findings"].startswith("stream.utf8, delta.object") or "stream.utf8" in line["findings"]
    assert "stream.bom" not in line["findings"]


def test_a_stream_that_came_in_packets_has_no_speed() -> None:
    """A gap of 0 is a packet, not a speed."""
    line = only(make_table_frame(MadeRun([row(itl_ms=(0.0, 0.0, 9.0), tpot_ms=3.0)], TWO), "streaming"))
    assert pd.isna(line["tokens_per_s"])
    assert line["tpot_ms"] == 3.0


def test_a_whole_answer_is_no_stream() -> None:
    """Only what was asked to stream is judged as one."""
    made = make_table_frame(MadeRun([row(), row(repeat=2, streamed=False)], TWO), "streaming")
    assert only(made)["n"] == 1


def test_errors_say_what_was_wanted_and_what_came() -> None:
    """A refusal that an error scenario wants is as wanted; one of an agent prompt is not."""
    wanted = {"wants_failure": True, "outcome": "ok", "http_status": 401}
    rows = [
        row(),
        failed("rate_limit", repeat=2, http_status=429, retry_after_s=3.0, message="slow down"),
        failed("auth", scenario="bad-key", **wanted),
        failed("server", scenario="bad-key", repeat=2, wants_failure=True, outcome="unmet"),
        row("unknown-model", wants_failure=True, outcome="unmet"),
    ]
    made = make_table_frame(MadeRun(rows, TWO), "errors")
    agent = only(made, scenario="agent prompts")
    assert (agent["n"], agent["failed"], agent["as_wanted"]) == (2, 1, 1)
    assert (agent["wanted"], agent["seen"]) == ("answer", "answer, rate_limit")
    assert (agent["status"], agent["retry_after_s"], agent["message"]) == ("429", 3.0, "slow down")
    key = only(made, scenario="bad-key")
    assert (key["n"], key["failed"], key["as_wanted"], key["wanted"]) == (2, 2, 1, "auth")
    assert only(made, scenario="unknown-model")["seen"] == "answer"


def test_a_sample_of_two_turns_counts_once_among_errors_and_tools() -> None:
    """The outcome stands on its last turn."""
    rows = [
        row("tool-round-trip", outcome=None, tool_calls=("get_weather",), valid_calls=1),
        row("tool-round-trip", turn=2),
        row("tool-round-trip", repeat=2, outcome="unmet", why=("no tool was called",)),
        failed(scenario="tool-round-trip", repeat=3),
    ]
    made = MadeRun(rows, TWO)
    tools = only(make_table_frame(made, "tools"))
    assert (tools["n"], tools["failed"], tools["ok"], tools["called"]) == (3, 1, 1, 1)
    assert (tools["calls"], tools["valid"], tools["not_as_expected"]) == (1, 1, "no tool was called")
    assert only(make_table_frame(made, "errors"))["n"] == 3
    assert only(make_table_frame(made, "latency"))["n"] == 4


def test_the_summary_tells_answers_and_refusals_apart() -> None:
    """A refusal that was wanted is no failure of the target."""
    rows = [
        row(ttft_ms=10.0, e2e_ms=20.0, tokens=5, prompt_tokens=3, cost=0.5),
        row(repeat=2, outcome="unmet", ttft_ms=30.0, e2e_ms=40.0, tokens=7, prompt_tokens=3),
        failed("auth", scenario="bad-key", wants_failure=True, outcome="ok"),
    ]
    line = only(make_table_frame(MadeRun(rows, TWO), "summary"))
    assert (line["n"], line["failed"], line["ok"], line["refused_well"]) == (2, 0, "1 of 2", "1 of 1")
    assert (line["ttft_ms"], line["tokens_in"], line["tokens_out"], line["cost"]) == (20.0, 6, 12, 0.5)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_shows_n_failed_and_excluded(name: str) -> None:
    """Also for a run in which nothing was sent."""
    rows = [
        row("forced-tool"),
        failed(scenario="forced-tool", repeat=2),
        row("forced-tool", 3, status="left_out"),
    ]
    made = make_table_frame(MadeRun(rows, TWO), name)
    line = only(made)
    assert line["n"] == 2
    assert line["failed"] == 1
    assert line["excluded"] == 1
    assert len(make_table_frame(MadeRun([], TWO), name)) == 0


@pytest.mark.parametrize("name", TABLES)
def test_whatever_a_server_said_can_be_written_to_a_file(name: str) -> None:
    """Half a surrogate pair has no form in UTF-8; it is replaced in every cell."""
    half = "half \ud800"
    rows = [
        row("forced-tool", tool_calls=(half,), outcome="unmet", why=(half,)),
        failed(scenario="forced-tool", message=half),
    ]
    (line,) = list_table_lines(MadeRun(rows, TWO), name)
    said = " ".join(str(cell) for cell in line.values())
    assert ("half \N{REPLACEMENT CHARACTER}" in said) == (name in ("errors", "tools"))
    said.encode("utf-8")


def test_a_count_is_whole_beside_one_that_is_missing() -> None:
    """As a cell; a column of a DataFrame that lacks one holds floats."""
    rows = [row(tokens=7), row(target=1, tokens=None)]
    assert repr([line["tokens_out"] for line in list_table_lines(MadeRun(rows, TWO), "summary")]) == "[7, None]"


def test_a_table_that_is_none_is_named() -> None:
    """With those there are."""
    with pytest.raises(ValueError, match="latency, streaming"):
        make_table_frame(MadeRun([], TWO), "latencies")


def test_notes_say_what_a_reader_has_to_know() -> None:
    """Interrupted, not sent, perhaps billed, stalled, busy, unverified."""
    careless = plan(tls=Tls(verify=False))
    health = [
        Health(target=0, stage=0, wall_s=1.0, cpu_s=0.95, stalls=2, worst_stall_ms=80.0),
        Health(target=1, stage=0, wall_s=1.0, cpu_s=0.1),
    ]
    made = MadeRun([row(), row(repeat=2, status="planned", outcome=None)], careless, health, "interrupted", "cancelled")
    made.billed = 3
    told = " | ".join(make_table_frame(made, "latency").attrs["notes"])
    for words in (
        "was interrupted (cancelled)",
        "so far: 1 exchange |",
        "3 requests",
        "stalled 2 times",
        "80 ms",
        "one · m",
        "not verified for one, two",
    ):
        assert words in told
    assert "two · m" not in told
    assert make_table_frame(MadeRun([row()], TWO), "latency").attrs["notes"] == []


def test_what_was_left_out_is_told_once_a_reason() -> None:
    """With how many endpoints it is about, and the first of the scenarios by name."""
    keyless = {"status": "left_out", "outcome": "excluded", "why": ("the endpoint uses no key",)}
    poor = {**keyless, "why": ("declared without tools",)}
    rows = [row(), *(row("bad-key", target=target, repeat=repeat, **keyless) for target in (0, 1) for repeat in (1, 2))]
    rows += [row(name, **poor) for name in ("forced-tool", "tool-choice", "tool-round-trip", "structured-output")]
    assert make_table_frame(MadeRun(rows, TWO), "latency").attrs["notes"] == [
        "bad-key left out for 2 endpoints: the endpoint uses no key",
        "forced-tool, tool-choice, tool-round-trip and 1 more left out for 1 endpoint: declared without tools",
    ]


def test_samples_that_a_stall_touched_are_counted() -> None:
    """So that nobody takes them for the server's."""
    rows = [row(flags=("loop_stalled",)), row(repeat=2)]
    assert only(make_table_frame(MadeRun(rows, TWO), "latency"))["marked"] == 1
