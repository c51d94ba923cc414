"""Tables in a terminal: readable at any width, and nothing that matters is cut off."""

import re

import pytest
from rich.cells import cell_len
from support.detailed_run import make_detailed_run
from support.made_run import MadeRun, failed, plan, row

from byok_bench.checks.finding import Finding
from byok_bench.cli.terminal_tables import print_comparison, print_tables
from byok_bench.report.compare import list_differences
from byok_bench.runs.planning.load_patterns import ClosedLoad, OpenLoad
from byok_bench.runs.results import DETAILS, TABLES

LABELS = (
    "llama.cpp",
    "an endpoint with a label as long as it may be, eighty characters and no more",
    "日本語の名前",
)
LOADS = (ClosedLoad(), ClosedLoad(concurrency=16), OpenLoad(rate_per_s=2.5))
FINDINGS = tuple(
    Finding(check=check, severity="error", message="m")
    for check in ("tool.arguments-double-encoded", "stream.done-terminator")
)


def a_run(loads: tuple[ClosedLoad | OpenLoad, ...]) -> MadeRun:
    """Every kind of line."""
    rows = [
        row(target=target, stage=stage, repeat=repeat, ttft_ms=1234.5, e2e_ms=98765.4, itl_ms=(12.5,) * 20,
            findings=FINDINGS, streamed=True)
        for target in range(len(LABELS)) for stage in range(len(loads)) for repeat in range(1, 12)
    ]  # fmt: skip
    rows += [failed("context_length", scenario="over-long-context", wants_failure=True, target=1)]
    rows += [row("forced-tool", tool_calls=("get_weather",), valid_calls=1)]
    return MadeRun(rows, plan(LABELS, loads))


@pytest.mark.parametrize("loads", [LOADS[:1], LOADS], ids=["one at a time", "under load"])
@pytest.mark.parametrize("width", [72, 80, 100, 120, 200])
def test_every_table_fits_and_keeps_what_it_must(
    width: int,
    loads: tuple[ClosedLoad | OpenLoad, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """n, failed, excluded and the median with its interval are there; what is left out is said."""
    monkeypatch.setenv("COLUMNS", str(width))
    print_tables(a_run(loads), TABLES, to_stdout=True)
    text = capsys.readouterr().out
    assert max(cell_len(line) for line in text.splitlines()) <= width
    heads = [line for line in text.splitlines() if " n " in line and "failed" in line]
    assert len(heads) == len(TABLES)
    for head in heads:
        assert "excluded" in head or "excluded: none" in text
    assert "TTFT ms  95 % CI" in heads[0].replace("   ", "  ").replace("   ", "  ")
    assert ("Not at this width" in text) == (width < 100)
    for label in LABELS:
        assert label.split()[0] in text


@pytest.mark.parametrize(("judged", "told"), [(True, ""), (False, "Tool calls: this run has nothing")])
def test_an_empty_table_is_no_caption_under_nothing(
    judged: bool, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is left out, or where it was asked for by name told in a line."""
    print_tables(MadeRun([row(), row(target=1)], plan()), TABLES, to_stdout=True, judged=judged)
    text = capsys.readouterr().out
    assert "Agent prompts that ask for a tool" not in text
    assert ("Tool calls" in text) == bool(told)
    assert told in text


@pytest.mark.parametrize("width", [72, 100])
def test_tables_on_details_fit_and_show_a_line_a_feature(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Features as lines, endpoints as columns; without verdicts where one table was asked for."""
    monkeypatch.setenv("COLUMNS", str(width))
    print_tables(make_detailed_run(), DETAILS, to_stdout=True, judged=False)
    text = capsys.readouterr().out
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert text.startswith("Capabilities")
    assert "pattern" in text
    assert "valid ×3" in text
    assert re.search(r"round +3 ", text)


def test_a_table_on_details_without_a_line_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The five always are."""
    print_tables(a_run(LOADS[:1]), ("schemas", "latency"), to_stdout=True)
    text = capsys.readouterr().out
    assert "Latency" in text
    assert "JSON Schema features" not in text


def test_no_line_is_left_to_guess_what_a_word_means(capsys: pytest.CaptureFixture[str]) -> None:
    """What n, failed, excluded and NA are stands below the tables."""
    print_tables(a_run(LOADS[:1]), to_stdout=True)
    text = " ".join(capsys.readouterr().out.split())
    for words in ("n: asked", "failed: of n", "excluded: left out", "NA: not to be had, or too few samples"):
        assert words in text


def test_people_read_headings_and_no_keys(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`as wanted` and `TTFT ms`; keys are for programs."""
    monkeypatch.setenv("COLUMNS", "200")  # a narrow table wraps its headings
    made = a_run(LOADS[:1])
    print_tables(made, TABLES, to_stdout=True)
    print_comparison(list_differences(made, made), "B against A")
    text = capsys.readouterr().out
    for heading in ("as wanted", "TTFT p90", "refused well", "tok/s", "B − A", "95 % CI"):
        assert heading in text
    heads = " ".join(line for line in text.splitlines() if "excluded" in line)
    assert "_" not in heads


@pytest.mark.parametrize("width", [80, 100])
def test_a_comparison_folds_words_and_no_numbers(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long verdicts do not break headings, metrics and intervals; what is left out for them is told."""
    monkeypatch.setenv("COLUMNS", str(width))
    good = [row(repeat=repeat, ttft_ms=1000.0 + repeat, e2e_ms=2000.0 + repeat) for repeat in range(1, 40)]
    worse = [*good[:20], *(failed(repeat=repeat) for repeat in range(21, 40))]
    made = list_differences(MadeRun(good, plan(("one",))), MadeRun(worse, plan(("one",))))
    print_comparison(made, "B against A")
    text = capsys.readouterr().out
    assert re.search(r"^scenario +metric +pairs +failed .*95 % CI +verdict", text, re.MULTILINE)
    assert re.search(r"^\(all\) +failures +39 +0/19 ", text, re.MULTILINE)
    assert re.search(r"^Not at this width:|Not at this width: family", text, re.MULTILINE)
