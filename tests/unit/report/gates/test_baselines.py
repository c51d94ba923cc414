"""What a run leaves behind to be compared with: names, files, and what is not in them."""

from pathlib import Path

import msgspec
import pytest
from support.gate_worlds import PLAN, World
from support.made_run import MadeRun, failed, plan, row

from byok_bench.errors import PlanError, StoreError
from byok_bench.report.gates.baselines import (
    check_same_plan,
    find_baseline,
    list_baselines,
    make_baseline,
    read_baseline,
    store_baseline,
    write_baseline,
)
from byok_bench.report.gates.verdicts import gate
from byok_bench.runs.planning.load_patterns import ClosedLoad

WORLD = World(4, 3)
RULES = {"version": 1, "rule": [
    {"metric": name, "against": "baseline"} for name in ("ttft_ms", "outcome.ok", "failures", "findings.severity.error")
]}  # fmt: skip


def test_a_file_judges_as_the_run_that_it_was_made_of(tmp_path: Path) -> None:
    """A team checks it in, and the result file stays where it is."""
    before, after = WORLD.make_run(1), WORLD.make_run(2, slower=2.0)
    path = write_baseline(make_baseline(before), tmp_path / "new" / "main.json")
    assert gate(after, RULES, str(path)) == gate(after, RULES, before)


def test_a_file_holds_no_word_of_server_or_client(tmp_path: Path) -> None:
    """No address, no message, no key reference; what was asked is a digest."""
    run = MadeRun([failed(message="secret words", sample="s1"), row(served_model="secret-model")], PLAN)
    text = write_baseline(make_baseline(run), tmp_path / "b.json").read_text()
    assert "secret" not in text
    assert "127.0.0.1" not in text
    assert not any(sample.messages[0].content in text for one in PLAN.scenarios for sample in one.samples)


def test_a_file_has_an_exchange_a_line(tmp_path: Path) -> None:
    """So that a change of it can be read where it is reviewed, and it is small."""
    lines = write_baseline(make_baseline(WORLD.make_run(1)), tmp_path / "b.json").read_text().splitlines()
    assert len(lines) == 12 + 2
    assert max(map(len, lines[1:])) < 300


def test_a_baseline_is_found_by_its_name() -> None:
    """Named once, replaced when named again, and listed."""
    store_baseline(WORLD.make_run(1), "main")
    store_baseline(WORLD.make_run(2), "main")
    assert list_baselines() == ["main"]
    assert find_baseline("main") == make_baseline(WORLD.make_run(2), "main")


def test_a_name_that_is_none_is_told_with_the_nearest() -> None:
    """A run is looked for as well, and why there is none is told."""
    store_baseline(WORLD.make_run(1), "main")
    with pytest.raises(PlanError, match="no baseline is called 'mian'; did you mean 'main'"):
        find_baseline("mian")


@pytest.mark.parametrize("name", ["../up", "", "a b", ".hidden", "x" * 65])
def test_a_name_is_no_path(name: str) -> None:
    """It is a file's name in a folder of ours."""
    with pytest.raises(PlanError, match="no name for a baseline"):
        store_baseline(WORLD.make_run(1), name)


BROKEN = {
    "no file": (None, "cannot read baseline"),
    "no JSON": (b"[[", "is no baseline"),
    "another document": (b'{"version": 1}', "is no baseline"),
    "another version": (b'{"version": 7}', "version 7 of a baseline is not 1"),
    "no text": (b"\xff", "is no baseline"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, case: str) -> None:
    """With its path and what is wrong."""
    raw, said = BROKEN[case]
    path = tmp_path / "b.json"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(PlanError, match=said):
        read_baseline(path)


def test_a_run_without_an_answer_is_no_baseline() -> None:
    """What was never played cannot be compared with."""
    with pytest.raises(PlanError, match="has no exchange that was played"):
        make_baseline(MadeRun([row(status="planned", outcome=None)], PLAN))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """As one line, not as a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_baseline(make_baseline(WORLD.make_run(1)), tmp_path / "file" / "b.json")


def test_what_another_plan_asked_is_told() -> None:
    """Scenarios that one side has alone, that ask something else, and another load."""
    baseline = make_baseline(WORLD.make_run(1))
    first, *others = PLAN.scenarios
    changed = msgspec.structs.replace(first, max_turns=9)
    added = msgspec.structs.replace(first, name="added")
    now = msgspec.structs.replace(PLAN, scenarios=(changed, added, *others[1:]), loads=(ClosedLoad(concurrency=2),))
    with pytest.raises(PlanError) as caught:
        check_same_plan(now, baseline)
    for said in (
        "scenario added is in the run alone", f"scenario {others[0].name} is in the baseline alone",
        f"scenario {first.name} asks something else", "the load is 2 at once, and was 1 at once",
    ):  # fmt: skip
        assert said in str(caught.value)


def test_more_repeats_are_no_other_plan() -> None:
    """Pairs are made of what both sides have."""
    found = gate(World(4, 20).make_run(2), RULES, World(4, 10).make_run(1))
    assert found[0].n == 40


def test_other_endpoints_beside_are_no_other_plan() -> None:
    """A rule speaks of those that it is about."""
    rows = [row(target=n, repeat=r, ttft_ms=100.0 + r) for n in range(2) for r in range(1, 9)]
    both = MadeRun(rows, plan(["other", "gateway"]))
    rule = {"metric": "ttft_ms", "against": "baseline", "where": {"endpoint": "gateway"}}
    before = MadeRun([row(repeat=r, ttft_ms=100.0) for r in range(1, 9)], PLAN)
    assert gate(both, {"version": 1, "rule": [rule]}, before)[0].n == 8
