"""Ctrl-C once: what is in flight finishes. Twice: at once. Real signals to real processes, and a server's own log."""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.killing import REPO, server

from byok_bench.cli import gates
from byok_bench.cli.main import main

IN_FLIGHT = 4
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")


class Program:
    """The program at a home of its own, beside a server that takes its time."""

    def __init__(self, home: Path, url: str, log: Path) -> None:
        self.home = home
        self.target = ["--base-url", url, "--model", "tiny"]
        self._log = log

    @property
    def asked(self) -> int:
        """Requests that the server has seen."""
        return len(self._log.read_text().split())

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """The program, running."""
        environment = os.environ | {"BYOK_BENCH_HOME": str(self.home), "PYTHONPATH": str(REPO)}
        command = [sys.executable, "-m", "byok_bench", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=self.home)

    def wait_until_asked(self, child: "subprocess.Popen[str]", count: int) -> None:
        """Until the server has seen so many requests."""
        while self.asked < count and child.poll() is None:
            time.sleep(0.01)

    def count(self, question: str) -> int:
        """What the result file says."""
        with sqlite3.connect(f"file:{self.home / 'bench.sqlite'}?mode=ro", uri=True) as db:
            return int(db.execute(f"select count(*) from {question}").fetchone()[0])


def begin(tmp_path: Path, delay_s: float) -> Iterator[Program]:
    log = tmp_path / "requests.log"
    log.touch()
    with server(log, delay_s) as url:
        yield Program(tmp_path, url, log)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """Beside a server that answers after a third of a second."""
    yield from begin(tmp_path, 0.3)


@pytest.fixture
def stuck(tmp_path: Path) -> Iterator[Program]:
    """Beside a server that answers after a minute."""
    yield from begin(tmp_path, 60)


def run_options(program: Program, more: list[str]) -> list[str]:
    options = ["-s", "plain-answer", "--repeats", "40", "--warmup", "0", *more]
    return ["run", *program.target, *options]


WAYS = {
    "in this process": ["--concurrency", str(IN_FLIGHT)],
    "in two processes": ["--concurrency", str(IN_FLIGHT), "--processes", "2"],
    "an open loop": ["--rate", "10", "--arrivals", "constant"],
}


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_once_finishes_what_is_in_flight_and_begins_nothing(way: str, program: Program) -> None:
    """Every request that the server saw is stored, none is lost, the rest is planned, and the line goes on with it."""
    child = program.start(*run_options(program, WAYS[way]))
    program.wait_until_asked(child, IN_FLIGHT + 2)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate()
    assert (child.returncode, out) == (130, ""), err
    assert program.count("exchange where status = 'done'") == program.asked
    assert program.count("attempt where ended is not 'recorded'") == 0
    assert program.count("exchange where status = 'planned'") == 40 - program.asked > 20
    *_, told, last = err.splitlines()
    assert told.endswith("Ctrl-C again stops it, too")
    command = shlex.split(last.partition("Go on with: byok-bench ")[2])
    assert command == ["run", "--resume", err.split()[1].rstrip(":")]


@pytest.mark.parametrize("way", ["in this process", "in two processes"])
def test_ctrl_c_twice_stops_at_once(way: str, stuck: Program) -> None:
    """What was in flight is marked as lost, maybe billed, and nothing is left as sent."""
    child = stuck.start(*run_options(stuck, WAYS[way]))
    stuck.wait_until_asked(child, IN_FLIGHT)
    child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    while "again" not in child.stderr.readline():
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "0 of 40 samples are kept. Go on with: byok-bench run --resume" in err
    assert stuck.count("attempt where ended = 'lost'") == IN_FLIGHT
    assert stuck.count("exchange where status = 'planned'") == 40


def test_a_series_that_was_stopped_goes_on_at_its_next_line(program: Program, tmp_path: Path) -> None:
    """Ctrl-C once in `send --jsonl`: what was sent is printed, and the pasted command sends the rest, none twice."""
    lines = tmp_path / "in put.jsonl"
    lines.write_text('{"messages": [{"role": "user", "content": "Hi"}], "stream": true}\n' * 12)
    child = program.start("send", *program.target, "--jsonl", str(lines), "--concurrency", "2", "--json")
    program.wait_until_asked(child, 3)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate()
    assert child.returncode == 130
    assert len(out.splitlines()) == program.asked < 12
    again = program.start(*shlex.split(err.splitlines()[-1].partition("Go on with: byok-bench ")[2]))
    rest, _ = again.communicate()
    assert again.returncode == 0
    documents = [json.loads(line) for line in [*out.splitlines(), *rest.splitlines()]]
    assert len({one["request"]["id"] for one in documents}) == program.asked == 12


def test_a_gate_that_was_stopped_says_the_command_that_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It sends nothing: what was judged so far is kept, and the same command goes on."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("byok_bench.report.gates.verdicts.gate", interrupted)
    monkeypatch.setattr("byok_bench.runs.results.Run.open", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["byok-bench", "gate", "last", "--rules", "tokenhub"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, gates.CODES["pass"]) == (130, 0)
    assert capsys.readouterr().err.splitlines() == [
        "byok-bench: stopped by Ctrl-C; what was judged is kept. Go on with: byok-bench gate last --rules tokenhub"
    ]
