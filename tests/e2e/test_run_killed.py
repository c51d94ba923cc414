"""kill -9 in the middle of a run, a dozen times; `python tests/support/killing.py 100 2000` does it a hundred times."""

import sys
from pathlib import Path

import pytest
from support.killing import kill_and_resume

IN_FLIGHT = 4


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    """Every row that was reported as stored is there, once, and the server was asked no more than kills explain."""
    found = kill_and_resume(tmp_path, kills=12, repeats=150, concurrency=IN_FLIGHT, seed=3)
    assert found.kills >= 10
    assert found.acknowledged <= found.stored
    assert found.rows == len(found.stored) == 150 + 2 * 150
    assert found.integrity == "ok"
    assert found.status == "finished"
    assert found.readers == 3
    assert 0 <= found.requests - found.rows <= found.lost_attempts <= IN_FLIGHT * found.kills
