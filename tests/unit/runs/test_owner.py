"""Who is sending, and whether that process still lives."""

import os
import subprocess
import sys

import pytest

from byok_bench.runs.storage.owner import is_alive, name_this_process


def test_this_process_is_alive() -> None:
    """A row of our own is never taken from us."""
    assert is_alive(name_this_process())


@pytest.mark.parametrize("owner", ["", "elsewhere/1/5", "no/slashes", "x"])
def test_an_owner_that_cannot_be_here_is_gone(owner: str) -> None:
    """Another boot, or a name of another form, holds nothing back."""
    assert not is_alive(owner)


@pytest.mark.skipif(sys.platform == "win32", reason="needs /proc and signals")
def test_a_killed_process_is_gone_before_and_after_it_is_waited_for() -> None:
    """A zombie sends nothing more."""
    code = "from byok_bench.runs.storage.owner import name_this_process as name; print(name(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        owner = child.stdout.readline().decode().strip()
        assert is_alive(owner)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(owner)
        child.wait()
        assert not is_alive(owner)


def test_a_pid_that_was_given_away_again_is_another_process() -> None:
    """The start time tells two processes with one pid apart."""
    machine, pid, _ = name_this_process().rsplit("/", 2)
    assert not is_alive(f"{machine}/{pid}/1")
