"""Halves of a run: drift is told where it is there, and its intervals are marked."""

import random
from typing import Any

import msgspec
import pytest
from support.made_run import MadeRun, plan, row

from byok_bench.report.drift import find_drifted_targets, list_drifts
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.table_text import render_narrow_lines
from byok_bench.report.tables import list_table_lines

REPEATS = 10


def make_run(slower: float, seed: int = 0, prompts: int = 6, **more: Any) -> MadeRun:
    """Two targets; in the second half the second one takes `slower` times as long."""
    dice, rows = random.Random(seed), []
    for prompt in range(prompts):
        for repeat in range(1, REPEATS + 1):
            for target in (0, 1):
                late = slower if target == 1 and repeat > REPEATS // 2 else 1.0
                time = (100 + 50 * prompt) * late * dice.lognormvariate(0, 0.1)
                rows.append(row(sample=f"s{prompt}", repeat=repeat, target=target, ttft_ms=time, e2e_ms=2 * time))
    return MadeRun(rows, msgspec.structs.replace(plan(), repeats=REPEATS), **more)


def test_a_target_that_slowed_down_within_a_run_is_told() -> None:
    """Which one, by how much, and that its intervals are marked; the other is left alone."""
    run = make_run(1.3)
    assert find_drifted_targets(run) == {1}
    notes = [note for note in list_run_notes(run) if "drifted" in note]
    assert len(notes) == 2
    assert notes[0].startswith("two · m drifted: TTFT of the second half of the run is 1.3")
    assert not any(note.startswith("one · m drifted") for note in notes)


def test_intervals_of_a_run_that_drifted_are_marked() -> None:
    """In the table that people read, and as a column for programs."""
    lines = list_table_lines(make_run(1.3), "latency")
    assert [(line["endpoint"], line["drifted"]) for line in lines] == [("one", False), ("two", True)]
    steady, drifted = (line["interval"] for line in render_narrow_lines(lines, "latency"))
    assert drifted.endswith(" ~")
    assert not steady.endswith("~")


def test_a_steady_run_is_seldom_said_to_drift() -> None:
    """One in a hundred, for each of two times of each of two targets."""
    assert sum(bool(list_drifts(make_run(1.0, seed))) for seed in range(60)) <= 7


@pytest.mark.parametrize("run", [make_run(1.3, status="running"), make_run(1.3, prompts=1)])
def test_half_a_run_and_too_few_pairs_have_no_drift(run: MadeRun) -> None:
    """A run that goes on has no halves yet, and five pairs reach no 99 %."""
    assert list_drifts(run) == []
