"""One tool, one load: what it reports, what the server knows, and what the process cost."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.measure import quantile
from benchmarks.tools.corpus import served_book, write_hub_cache, write_tokenizer
from benchmarks.tools.drivers import Ask, Report, Tool
from benchmarks.truth import CLIENT_CORE, TruthServer, environment, pinned

SECONDS_AT_MOST = 90.0


@dataclass(frozen=True)
class Load:
    """`streams` connections at once, `rounds` requests on each on average."""

    streams: int
    rounds: int
    model: str
    events: int


@dataclass(frozen=True)
class Played:
    """One run of a tool."""

    report: Report
    true_p50: float
    true_p99: float
    """TTFT by the server's own clock, ms."""
    arrived: int
    """Events with text that the server sent."""
    requests: int
    cpu_s: float
    """Of the process and of those that it started, from start to end, imports included."""
    wall_s: float
    stolen: float = 0
    """Share of the cores' time that the host gave to others meanwhile, %."""


class ToolFailed(RuntimeError):
    """The tool did not do what it was asked to; the message says how."""


def play(server: TruthServer, tool: Tool, program: list[str], load: Load) -> Played:
    """Run a tool under a load. Raises ToolFailed."""
    with tempfile.TemporaryDirectory() as name, served_book(Path(name)) as book:
        folder = Path(name)
        write_tokenizer(folder / "tokenizer")
        write_hub_cache(folder)
        base = f"http://127.0.0.1:{server.port}"
        ask = Ask(base, load.model, load.streams, load.rounds, load.events, folder, book)
        server.log()
        command = pinned(CLIENT_CORE, [*program, *tool.command(ask)])
        printed, cpu_s, wall_s = run(command, folder, tool.environment)
        records = server.records()
        try:
            report = tool.report(folder, printed)
        except (LookupError, TypeError, ValueError, StopIteration, OSError) as error:
            raise ToolFailed(f"no report ({type(error).__name__}); it said: {_words(printed)}") from None
    ttft = [(one["sent_ns"][0] - one["request_ns"]) / 1e6 for one in records if one["sent_ns"]]
    if not ttft:
        raise ToolFailed("it sent no request that can be streamed")
    arrived = sum(len(one["sent_ns"]) for one in records)
    return Played(report, median(ttft), quantile(ttft, 0.99), arrived, len(records), cpu_s, wall_s)


def run(command: list[str], folder: Path, more: Mapping[str, str]) -> tuple[str, float, float]:
    """(what it printed, CPU s, wall s) of a program that finds its bytecode ready and its home empty."""
    homes = dict.fromkeys(("HOME", "BYOK_BENCH_HOME", "XDG_CACHE_HOME"), str(folder))
    with open(folder / "stdout", "w+") as stdout, open(folder / "stderr", "w+") as stderr:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            stdout=stdout,
            stderr=stderr,
            env=environment(NO_COLOR="1", **homes, **more),
            cwd=folder,
            start_new_session=True,
        )
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - began > SECONDS_AT_MOST:
                os.killpg(process.pid, 9)
                os.wait4(process.pid, 0)
                process.returncode = -9
                raise ToolFailed(f"not through after {SECONDS_AT_MOST:.0f} s")
            time.sleep(0.01)
        wall_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        printed, said = stdout.read(), stderr.read()
    return printed or said, used.ru_utime + used.ru_stime, wall_s


def _words(printed: str) -> str:
    """The first line that says what went wrong, or the last one of all."""
    lines = [line.strip(" │•|") for line in printed.splitlines() if line.strip()] or ["nothing"]
    telling = [line for line in lines if line.startswith(("Reason:", "Error"))]
    return (telling[:1] or lines)[-1][:120].replace("|", "/")
