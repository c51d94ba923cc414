"""Results of other tools: read as they mean them, named as theirs, and empty where they say nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.made_run import MadeRun, plan, row
from typer.testing import CliRunner

from byok_bench.cli.main import build_app
from byok_bench.errors import PlanError, StoreError
from byok_bench.report.comparison_lines import list_differences
from byok_bench.report.foreign_lines import UNTOLD, UNTOLD_FIELDS
from byok_bench.report.frames import make_exchange_frame
from byok_bench.report.gates.verdicts import gate
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.tables import list_table_lines
from byok_bench.runs.imports.result_import import ImportNames, import_results
from byok_bench.runs.results import TABLES, Run
from byok_bench.runs.runner import resume
from byok_bench.runs.storage.housekeeping import list_damages
from byok_bench.runs.storage.merging import merge_stores

CASES = Path(__file__).parents[2] / "cases/imports"
FILES = {"guidellm": "benchmarks.json", "aiperf": "profile_export.jsonl", "k2vv": "results.jsonl"}


def read(tool: str, tmp_path: Path, **names: str) -> Run:
    """A case file as a run."""
    return import_results(CASES / FILES[tool], store=tmp_path / "s.sqlite", names=ImportNames(**names))


def list_values(run: Run, *names: str) -> list[tuple[Any, ...]]:
    """Members of every row that counts."""
    return [tuple(getattr(one, name) for name in names) for one in run.rows if one.attempt and not one.is_warmup]


WANTED = {
    "guidellm": [(80.0, 500.0, 20.0, (), 12, 5, "foreign", None, None), (None, 250.0, None, (), None, None, None, None,
                 None), (None, None, None, (), None, None, None, "rate_limit", 429), (300.0, 1000.0, None, (), None, 9,
                 "foreign", None, None)],
    "aiperf": [(90.5, 400.0, 30.0, (29.0, 31.0), 20, 8, "usage", None, None), (None, None, None, (), None, 7,
               "foreign", None, None), (None, None, None, (), None, None, None, "overloaded", 503)],
    "k2vv": [(None, 420.0, None, (), 10, 4, "usage", None, None), (None, 200.0, None, (), None, None, None, None, None),
             (None, 300.0, None, (), None, None, None, None, None), (None, 60_000.0, None, (), None, None, None,
             "timeout", None)],
}  # fmt: skip
"""Of each row: TTFT, E2E, TPOT, ITL, prompt tokens, tokens and who counted them, kind, status."""


@pytest.mark.parametrize("tool", FILES)
def test_numbers_are_theirs_and_what_is_missing_stays_missing(tool: str, tmp_path: Path) -> None:
    """A unit that nobody knows gives no number."""
    names = ("ttft_ms", "e2e_ms", "tpot_ms", "itl_ms", "prompt_tokens", "tokens", "tokens_from", "kind", "http_status")
    assert list_values(read(tool, tmp_path), *names) == WANTED[tool]


@pytest.mark.parametrize("tool", FILES)
def test_a_run_of_another_tool_is_named_so_everywhere(tool: str, tmp_path: Path) -> None:
    """In each line of each table, in the notes, and on its card, which judges nothing."""
    run = read(tool, tmp_path)
    lines = [line for table in TABLES for line in list_table_lines(run, table)]
    assert lines
    assert all(line["endpoint"].endswith(f" ({tool})") for line in lines)
    assert list_run_notes(run)[0].startswith(f"measured by {tool}")
    assert [card.state for card in run.verdicts] == ["unknown"]
    assert run.winner is None


@pytest.mark.parametrize("tool", FILES)
def test_what_they_do_not_look_at_is_never_zero(tool: str, tmp_path: Path) -> None:
    """Neither in a table nor in the frame of exchanges."""
    run = read(tool, tmp_path)
    cells = [cell for table in TABLES for line in list_table_lines(run, table) for name, cell in line.items()
             if name in UNTOLD]  # fmt: skip
    assert cells
    assert set(cells) == {None}
    assert make_exchange_frame(run)[list(UNTOLD_FIELDS)].isna().all(axis=None)


def test_what_counts_for_nothing_is_left_out_and_says_why(tmp_path: Path) -> None:
    """Cancelled by their own doing; their warm-up is warm-up."""
    guidellm, aiperf = read("guidellm", tmp_path), read("aiperf", tmp_path)
    reasons = [one.why for run in (guidellm, aiperf) for one in run.rows if one.status == "left_out"]
    assert reasons == [("under way when its benchmark ended",), ("cancelled by aiperf",)]
    assert [one.is_warmup for one in aiperf.rows] == [True, False, False, False, False]


def test_loads_are_stages(tmp_path: Path) -> None:
    """One of ours by its name; one that is none of ours by theirs."""
    run = read("guidellm", tmp_path)
    assert [load.name for load in run.plan.loads] == ["4 at once", "throughput"]
    assert [one.stage for one in run.rows] == [0, 0, 0, 0, 1]


def test_calls_are_valid_as_the_verifier_judged_them(tmp_path: Path) -> None:
    """The table of tools counts them; which fault it was is not said."""
    [line] = list_table_lines(read("k2vv", tmp_path), "tools")
    assert {name: line[name] for name in ("calls", "valid", "tools", "invalid_json")} == {
        "calls": 2, "valid": 1, "tools": "look ×2", "invalid_json": None
    }  # fmt: skip


def test_an_address_keeps_its_host_alone(tmp_path: Path) -> None:
    """A name, a password, and keys in messages do not come into the file."""
    run = read("guidellm", tmp_path)
    assert run.plan.targets[0].base_url == "http://gpu.example.com:8000"
    assert b"made-up-by-this-test" not in run.path.read_bytes()
    assert "madeup" not in json.dumps([one.message for one in run.rows])


def test_one_file_is_one_run(tmp_path: Path) -> None:
    """A second import names the first; under another name it is another run."""
    first = read("aiperf", tmp_path)
    with pytest.raises(StoreError, match=first.id):
        read("aiperf", tmp_path)
    assert read("aiperf", tmp_path, label="again").id != first.id


async def test_what_another_tool_made_is_not_gone_on_with(tmp_path: Path) -> None:
    """There is nothing to ask."""
    run = read("aiperf", tmp_path)
    with pytest.raises(PlanError, match="measured by aiperf"):
        await resume(run.id, run.path)


def test_no_gate_is_about_it(tmp_path: Path) -> None:
    """A rule would take what it does not tell for good."""
    with pytest.raises(PlanError, match="measured by guidellm"):
        gate(read("guidellm", tmp_path), {"version": 1, "rule": [{"metric": "outcome.ok", "min": 0.9}]})


def test_it_is_compared_with_an_own_run(tmp_path: Path) -> None:
    """The n-th request of both, where both are called the same."""
    own = MadeRun([row(repeat=1, e2e_ms=100.0), row(repeat=2, e2e_ms=100.0)], plan(("own",)))
    theirs = read("k2vv", tmp_path, scenario="plain-answer", sample="s")
    found = {line["metric"]: line for line in list_differences(own, theirs) if line["scenario"] == "(all)"}
    assert (found["e2e_ms"]["a"], found["e2e_ms"]["b"]) == (100.0, 310.0)


def test_its_records_are_whole_and_are_merged(tmp_path: Path) -> None:
    """What checks and joins result files takes them as they are."""
    run = read("guidellm", tmp_path)
    before = [one.e2e_ms for one in run.rows]
    assert list_damages(run.path) == []
    merge_stores(tmp_path / "all.sqlite", [run.path])
    assert [one.e2e_ms for one in Run.open("last", tmp_path / "all.sqlite").rows] == before
    assert run.find_exchange(run.rows[0].exchange_id) is None


@pytest.mark.parametrize(
    ("text", "tool", "said"),
    [
        ("", "", "empty"),
        ("{}", "", "none of guidellm, aiperf, k2vv"),
        ('{"benchmarks": []}', "", "no benchmarks"),
        ('{"a": 1}\n{"b": 2}', "aiperf", "no metrics"),
        ('{"a": 1}', "k2vv", "no status"),
        ('{"a": 1}\nnot json', "k2vv", "line 2"),
        ('{"a": 1}\n' + "[" * 100_000, "k2vv", "line 2"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(text: str, tool: str, said: str, tmp_path: Path) -> None:
    """And leaves no run behind."""
    (tmp_path / "file").write_text(text)
    with pytest.raises(PlanError, match=said):
        import_results(tmp_path / "file", tool, tmp_path / "s.sqlite")
    assert not (tmp_path / "s.sqlite").exists()


def test_members_of_another_kind_say_nothing_and_lines_end_at_line_feeds(tmp_path: Path) -> None:
    """A verifier writes what a server sent: a separator within a text, and numbers where words belong."""
    line = {
        "data_index": 1, "status": "success", "finish_reason": 5, "request": {"tools": 3, "model": "m"},
        "response": {"model": {}, "choices": [{"message": {"content": "one\u2028two\u0085", "tool_calls": 7}}]},
    }  # fmt: skip
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(line, ensure_ascii=False) + "\n" + json.dumps(line), "utf-8")
    run = import_results(path, store=tmp_path / "s.sqlite")
    assert list_values(run, "finish_reason", "served_model", "tool_calls") == [(None, None, ())] * 2


def test_the_command_says_what_became_of_the_file(tmp_path: Path) -> None:
    """As JSON: the run, who measured it, and how many of which state; a tool that is none, by its nearest."""
    command = ["runs", "import", str(CASES / FILES["aiperf"]), "--store", str(tmp_path / "s.sqlite")]
    said = json.loads(CliRunner().invoke(build_app(), [*command, "--json"]).stdout)
    assert (said["measured_by"], said["exchanges"]) == ("aiperf 0.13.0", {"done": 2, "failed": 1, "left_out": 1})
    wrong = CliRunner().invoke(build_app(), [*command, "--from", "aiprof"])
    assert wrong.exit_code == 2
    assert "did you mean aiperf?" in wrong.stderr
