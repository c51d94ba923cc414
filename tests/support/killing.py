"""Kill a run again and again, go on with it each time, and compare what is stored with what the server saw."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
REPO = HERE.parent.parent
RUN = """
import asyncio, sys
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.progress import ExchangeFinished
from byok_bench.runs.runner import run

def tell(event):
    if isinstance(event, ExchangeFinished) and not event.is_warmup:
        sys.stdout.write(f"{event.scenario} {event.sample} {event.repeat} {event.turn}\\n")
        sys.stdout.flush()

url, store, repeats, concurrency = sys.argv[1:]
endpoint = Endpoint(label="e", base_url=url, models=[Model("tiny")])
asyncio.run(run(endpoint, ["plain-answer", "tool-round-trip"], int(repeats), int(concurrency), store, tell, warmup=0))
"""

ROWS_A_START = 20
"""At most so many rows are stored before a kill, and those that are written until it arrives."""


@dataclass(frozen=True)
class Kill:
    """When a start is killed: so long after it reported so many rows."""

    after_rows: int
    delay_s: float


@dataclass
class Tally:
    """What the kills left."""

    starts: int = 0
    kills: int = 0
    acknowledged: set[str] = field(default_factory=set)
    """Turns that some start reported as stored."""
    stored: set[str] = field(default_factory=set)
    rows: int = 0
    requests: int = 0
    """What the server was asked, over all starts."""
    lost_attempts: int = 0
    integrity: str = ""
    status: str = ""
    readers: int = 0
    """Readings that worked while a run was writing."""


@contextmanager
def server(log: Path, delay_s: float = 0.001) -> Iterator[str]:
    """The test server in a process of its own, so that it outlives every kill; its base URL."""
    command = [sys.executable, str(HERE / "bench_server.py"), str(log), str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield f"http://127.0.0.1:{child.stdout.readline().strip()}/v1"
        finally:
            child.kill()


def kill_and_resume(folder: Path, kills: int, repeats: int, concurrency: int, seed: int) -> Tally:
    """Start the run, kill it some rows later, start it again; at the end let it finish.

    A kill waits for rows and not for a time, so that a busy machine gets no further between two kills than an
    idle one. A run that is finished all the same is not started again: that would be a second run of its plan.
    """
    dice = random.Random(seed)
    tally = Tally()
    store, log = folder / "bench.sqlite", folder / "requests.log"
    log.touch()
    with server(log) as url:
        arguments = [url, str(store), str(repeats), str(concurrency)]
        for number in range(kills):
            _one_start(arguments, tally, Kill(dice.randint(1, ROWS_A_START), dice.uniform(0.0, 0.01)))
            if number % 5 == 0:
                tally.readers += _readable(store)
            if _read_status(store) == "finished":
                break
        else:
            _one_start(arguments, tally, None)
        tally.requests = len(log.read_text().split())
    tally.status = _read_status(store)
    _count(store, tally)
    return tally


def _one_start(arguments: list[str], tally: Tally, kill: Kill | None) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPO)}
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        tally.starts += 1
        for number, line in enumerate(child.stdout, start=1):
            if line.endswith("\n"):
                tally.acknowledged.add(line.strip())
            if kill is not None and number == kill.after_rows:
                time.sleep(kill.delay_s)
                child.kill()
        child.wait()
        tally.kills += child.returncode == -signal.SIGKILL


def _readable(store: Path) -> bool:
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)
    try:
        return db.execute("select count(*) from exchange").fetchone()[0] > 0
    finally:
        db.close()


def _read_status(store: Path) -> str:
    """The status of the one run that the store holds."""
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)
    try:
        ((status,),) = db.execute("select status from run").fetchall()
        return str(status)
    finally:
        db.close()


def _count(store: Path, tally: Tally) -> None:
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        tally.integrity = db.execute("pragma integrity_check").fetchone()[0]
        rows = db.execute(
            "select scenario, sample, repeat, turn from exchange where status in ('done', 'failed')"
        ).fetchall()
        tally.rows = len(rows)
        tally.stored = {" ".join(map(str, row)) for row in rows}
        tally.lost_attempts = db.execute("select count(*) from attempt where ended = 'lost'").fetchone()[0]
    finally:
        db.close()


if __name__ == "__main__":
    import tempfile

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        found = kill_and_resume(Path(place), kills=int(sys.argv[1]), repeats=int(sys.argv[2]), concurrency=4, seed=1)
    facts = {name: value for name, value in vars(found).items() if not isinstance(value, set)}
    facts |= {
        "acknowledged": len(found.acknowledged),
        "acknowledged_and_gone": len(found.acknowledged - found.stored),
        "seconds": round(time.monotonic() - started, 1),
    }
    sys.stdout.write(json.dumps(facts) + "\n")
    explained = found.lost_attempts <= 4 * found.kills and found.requests - found.rows <= found.lost_attempts
    sys.exit(0 if explained and found.acknowledged <= found.stored and found.integrity == "ok" else 1)
