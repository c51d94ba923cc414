"""What `make soak` asks of a result file, on files that are in order and on ones that are not."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.soaking import IN_FLIGHT, SETTLING_S, Life, compare_with_log, find_growth, list_broken_promises

FOUND: dict[str, Any] = {
    "integrity": "ok", "runs": 1, "stored_twice": 0, "answered_and_never_seen": 0, "seen_and_not_recorded": 60,
    "lost_attempts": 64, "most_lost": 64, "exchanges": {"done": 9, "planned": 3}, "ends": ["kill -9", "Ctrl-C"],
    "marked_clock_jumped": IN_FLIGHT,
    "grew_a_minute": {name: {"slope": 99.0, "r2": 0.1} for name in ("rss_mb", "descriptors", "wal_mb")},
}  # fmt: skip
BREAKS: dict[str, tuple[dict[str, Any], str]] = {
    "a damaged file": ({"integrity": "row 3 missing"}, "the result file is whole"),
    "a second run": ({"runs": 2}, "all starts went on with one run"),
    "a request that was stored twice": ({"stored_twice": 1}, "nothing is stored twice"),
    "an answer from nowhere": ({"answered_and_never_seen": 1}, "no answer is of a request"),
    "more gone than was in flight": ({"seen_and_not_recorded": 65}, "no more is missing"),
    "more lost than kills explain": ({"lost_attempts": 65}, "no more is missing"),
    "a row left as sent": ({"exchanges": {"sent": 1}}, "nothing is left as sent"),
    "a process that broke by itself": ({"ends": ["code 1 in place of kill -9"]}, "every process ended"),
    "a jump that nobody saw": ({"marked_clock_jumped": 0}, "what the clock's jump touched"),
    "memory that grows": (
        {"grew_a_minute": FOUND["grew_a_minute"] | {"rss_mb": {"slope": 9.0, "r2": 0.9}}},
        "rss_mb does not",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_each_promise_that_is_broken_is_named_alone(what: str) -> None:
    """One sentence for it, and none where all was kept."""
    change, sentence = BREAKS[what]
    (broken,) = list_broken_promises(FOUND | change)
    assert broken.startswith(sentence)
    assert list_broken_promises(FOUND) == []


def test_the_file_and_the_log_are_held_against_each_other(tmp_path: Path) -> None:
    """By request: what the server saw and the file has not, and what the file has and the server never saw."""
    store = tmp_path / "s.sqlite"
    with sqlite3.connect(store) as db:
        db.execute("create table run (id)")
        db.execute("create table exchange (run_id, plan_key, status)")
        db.execute("create table attempt (ended, meta)")
        db.execute("insert into run values ('r')")
        db.executemany("insert into exchange values ('r', ?, ?)", [("a", "done"), ("b", "done"), ("c", "planned")])
        metas = [
            json.dumps({"request": {"id": id_}, "head": {}, "flags": ["clock_jumped"]}).encode() for id_ in ("1", "2")
        ]
        db.executemany("insert into attempt values (?, ?)", [("recorded", one) for one in metas] + [("lost", None)])
    db.close()
    found = compare_with_log(store, {"1", "3"})
    assert (found["seen_and_not_recorded"], found["answered_and_never_seen"], found["lost_attempts"]) == (1, 1, 1)
    assert (found["stored_twice"], found["marked_clock_jumped"], found["exchanges"]) == (
        0,
        2,
        {"done": 2, "planned": 1},
    )


@pytest.mark.parametrize(("a_minute", "slope"), [(0.0, 0.0), (6.0, 6.0)])
def test_growth_is_told_a_minute(a_minute: float, slope: float) -> None:
    """Of the settled part of each life: what it takes at first is none."""
    looks = [
        (age, {"rss_mb": 50 + a_minute * age / 60 if age > SETTLING_S else 0.0}) for age in map(float, range(0, 100, 2))
    ]
    assert find_growth([Life(looks=looks), Life(looks=looks[:5])], "rss_mb")["slope"] == slope
