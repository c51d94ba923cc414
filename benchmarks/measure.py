"""One client, one load: run it on its core, hold its stamps against the server's, return errors and cost."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.truth import CLIENT_CORE, TruthServer, compiled, environment, pinned


@dataclass(frozen=True)
class Load:
    """What every client is asked to do."""

    name: str
    streams: int
    rounds: int
    ttft_ms: float
    gap_ms: float
    events: int
    pack: int = 1
    spread_ms: float = 0
    """The streams start one after the other within this time; 0: all at once."""

    @property
    def model(self) -> str:
        """The schedule as the server reads it."""
        return f"ttft={self.ttft_ms:g},gap={self.gap_ms:g},n={self.events},pack={self.pack}"

    @property
    def schedule_s(self) -> float:
        """How long the load takes if nobody is late, seconds."""
        return (self.spread_ms + self.rounds * (self.ttft_ms + self.gap_ms * (self.events - 1))) / 1000


@dataclass
class Result:
    """One measurement. Errors in ms: how far the client's figure is from the server's."""

    wall_s: float
    cpu_s: float
    failed: int = 0
    stolen: float = 0
    """Share of the cores' time that the host gave to others meanwhile, %."""
    grown_kib: float = 0
    """Peak of the process above what it held before, without the bytes that it recorded."""
    ttft: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)
    """Call → request in the server's hands, ms: what the client did before it asked."""


def measure(server: TruthServer, client: str, load: Load, *, timeout_s: float = 120) -> Result:
    """Run `client` (a name of clients.py, `limit`, or a name with `+uvloop`) under `load`."""
    name, _, loop = client.partition("+")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.jsonl"
        numbers = [str(server.port), str(load.streams), str(load.rounds), load.model, str(out)]
        if name == "limit":
            command = [str(compiled("limit_client")), *numbers]
        else:
            options = ["--port", "--streams", "--rounds", "--model", "--out"]
            command = [sys.executable, "-m", "benchmarks.clients", name]
            command += [word for pair in zip(options, numbers, strict=True) for word in pair]
            command += ["--spread", str(load.spread_ms)]
            command += ["--uvloop"] if loop == "uvloop" else []
        server.log()
        done = subprocess.run(
            pinned(CLIENT_CORE, command), capture_output=True, text=True, timeout=timeout_s, env=environment()
        )
        if done.returncode:
            raise RuntimeError(f"{client} under {load.name}: {done.stderr.strip()[-400:]}")
        printed = json.loads(done.stdout.splitlines()[-1])
        rows = [json.loads(line) for line in out.read_text().splitlines()]
    recorded_kib = printed.get("recorded_bytes", 0) / 1024
    result = Result(
        printed["wall_s"],
        printed["cpu_s"],
        printed.get("failed", 0),
        grown_kib=printed.get("grown_kib", 0) - recorded_kib,
    )
    compare(rows, server.log(), result)
    if not result.ttft:
        raise RuntimeError(f"{client} under {load.name}: no request could be joined; {printed.get('first_failure')}")
    return result


def compare(rows: list[dict[str, Any]], truth: dict[str, dict[str, Any]], result: Result) -> None:
    """Add each request's errors to `result`; a request with missing events counts as failed."""
    for row in rows:
        sent, seen = truth[row["id"]], row["event_ns"]
        true = sent["sent_ns"]
        if len(seen) != len(sent["sent_ns"]):
            result.failed += 1
            continue
        true_ttft = sent["sent_ns"][0] - sent["request_ns"]
        result.ttft.append((seen[0] - row["written_ns"] - true_ttft) / 1e6)
        result.queued.append((sent["request_ns"] - row.get("called_ns", row["written_ns"])) / 1e6)
        result.gaps += [abs(seen[i] - seen[i - 1] - true[i] + true[i - 1]) / 1e6 for i in range(1, len(seen))]


def quantile(values: list[float], q: float) -> float:
    """The value at rank q (nearest rank), of absolute values."""
    ranked = sorted(abs(value) for value in values) or [0.0]
    return ranked[min(len(ranked) - 1, int(q * len(ranked)))]


def summary(results: list[Result], load: Load) -> dict[str, float]:
    """Figures of several repeats: medians over the repeats, so that one bad repeat does not decide."""
    events = load.streams * load.rounds * load.events
    figures = {
        "cpu_100k": [one.cpu_s / events * 100_000 for one in results],
        "events_s": [events / one.cpu_s for one in results],
        "kib_stream": [one.grown_kib / load.streams for one in results],
        "stolen": [one.stolen for one in results],
        "late": [one.wall_s / load.schedule_s for one in results],
    }
    for name, part in (("ttft", "ttft"), ("gap", "gaps"), ("queued", "queued")):
        for rank in (50, 99):
            figures[f"{name}_p{rank}"] = [quantile(getattr(one, part), rank / 100) for one in results]
    return {name: median(values) for name, values in figures.items()} | {
        "failed": float(sum(one.failed for one in results))
    }


def machine() -> str:
    """One line on where this was measured."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown processor",
    )
    cores = len(os.sched_getaffinity(0))
    system = f"{os.uname().sysname} {os.uname().release}"
    return f"{cores} cores of {model}, Python {sys.version.split()[0]}, {system}"
