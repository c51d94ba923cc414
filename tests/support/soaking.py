"""Soak: a run of 64 streams for half an hour against a server that breaks, killed and gone on with, on a full disk too.

    python tests/support/soaking.py 30

The server is the simulator, in a process of its own, with a log of every request; each few seconds it breaks other
things. At the end its log and the result file are held against each other, request by request, and what the measuring
process took (memory, descriptors, the file's log) against time. Prints one JSON document; exit code 1 if anything
that was promised did not hold.
"""

import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import correlation, linear_regression, median
from typing import Any

from byok_bench.runs.storage.records import expand_meta

HERE = Path(__file__).parent
REPO = HERE.parent.parent
IN_FLIGHT = 64
LIFE_S = (80.0, 180.0)
"""A measuring process is killed so long after all its streams are there: a start takes what the machine has left."""
LOOK_S = 2.0
MOST_A_SECOND = 9
"""Repeats of two samples each: more than 64 streams of 4 s can end, so that the run is never through."""
SETTLING_S = 20.0
"""Of a life: until its caches are full, too, what it takes is no growth."""
SHORTEST_LIFE_S = 50.0
"""Of a life, to tell a slope from it."""
ROOM_BYTES = 100_000
"""What is left on the disk when it is to be full."""
NOISE = {"rss_mb": 2.0, "descriptors": 1.0, "wal_mb": 0.5}
"""A slope a minute up to which nothing grows."""
EXPLAINED = 0.5
"""Share of the spread that time has to explain before a steeper slope is growth, and not noise."""
SERVE = """
import asyncio, random, sys
from byok_bench.backends.simulator.faults import FaultPlan, list_faults
from byok_bench.backends.simulator.server import Simulator

class Logged(Simulator):
    async def answer_request(self, request, wire):
        if request.method == "POST":
            log.write(request.headers.get("x-request-id", "") + "\\n")
        return await super().answer_request(request, wire)

async def main():
    dice = random.Random(5)
    every = [fault.id for fault in list_faults()]
    async with Logged(ttft_ms=800, gap_ms=150, models=["tiny"]) as server:
        print(server.base_url, flush=True)
        while True:
            chosen = dice.sample(every, dice.randint(0, 3))
            server.faults = FaultPlan(chosen, probability=dice.choice((0.05, 0.3)), seed=dice.randint(0, 999))
            await asyncio.sleep(dice.uniform(2, 6))

with open(sys.argv[1], "a", buffering=1) as log:
    asyncio.run(main())
"""
RUN = """
import asyncio, signal, sys
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import StoreError
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.runner import run
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.recording import clock_watch

moved, read = [0], clock_watch.read_clocks
def read_moved():
    clocks = read()
    return clocks._replace(wall=clocks.wall + moved[0])
clock_watch.read_clocks = read_moved

async def main():
    loop, stop = asyncio.get_running_loop(), StopSwitch()
    loop.add_signal_handler(signal.SIGINT, stop.press)
    loop.add_signal_handler(signal.SIGUSR1, lambda: moved.__setitem__(0, 3600 * 10**9))
    endpoint = Endpoint(label="e", base_url=sys.argv[1], models=[Model("tiny")])
    await run(endpoint, ["plain-answer", "tool-round-trip"], int(sys.argv[3]), int(sys.argv[4]), sys.argv[2],
        warmup=0, attempts=2, stop=stop, timeouts=Timeouts(connect=5, first_byte=4, idle=4, total=30))

try:
    asyncio.run(main())
except StoreError as error:
    sys.exit(f"{error.code}: {error}")
"""


@dataclass
class Life:
    """One measuring process, from its start to its end."""

    looks: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    """(seconds since all its streams were there, what it took)."""
    ended_by: str = ""


@contextmanager
def serve(log: Path) -> Iterator[str]:
    """The faulty server in a process of its own; its base URL."""
    log.touch()
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(log)], stdout=subprocess.PIPE, text=True, env=_build_environment()
    ) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.kill()


def soak(folder: Path, minutes: float, seed: int = 3) -> dict[str, Any]:
    """Kill and go on until the time is over, then stop in order; what came of it."""
    dice, lives = random.Random(seed), list[Life]()
    store, log = folder / "bench.sqlite", folder / "requests.log"
    began = time.monotonic()
    until = began + minutes * 60
    arguments = [str(store), str(int(minutes * 60 * MOST_A_SECOND)), str(IN_FLIGHT)]
    with serve(log) as url:
        while not lives or lives[-1].ended_by != "Ctrl-C":
            left = until - time.monotonic()
            how = ["kill -9", "a full disk", "kill -9", "kill -9 after a clock that jumped"]
            ends = how[len(lives)] if len(lives) < len(how) else "kill -9"
            life_s = dice.uniform(*LIFE_S) if ends != "a full disk" else LIFE_S[0]
            if left < LIFE_S[0] and len(lives) >= len(how):
                ends, life_s = "Ctrl-C", max(left, 20.0)
            lives.append(_live([url, *arguments], store, ends, life_s))
    found = compare_with_log(store, set(log.read_text().split()))
    found |= {
        "minutes": round((time.monotonic() - began) / 60, 1),
        "ends": [life.ended_by for life in lives],
        "most_lost": IN_FLIGHT * (len(lives) - 1),
        "grew_a_minute": {name: find_growth(lives, name) for name in NOISE},
        "median": {name: round(median(_list_values(lives, name)), 1) for name in NOISE},
        "highest": {name: round(max(_list_values(lives, name)), 1) for name in NOISE},
    }
    return found


def _live(arguments: list[str], store: Path, ends: str, life_s: float) -> Life:
    """One process: watched, and ended as told; a full disk it finds out itself."""
    life = Life(ended_by=ends)
    with subprocess.Popen([sys.executable, "-c", RUN, *arguments], env=_build_environment()) as child:
        while child.poll() is None and _look(child.pid, store).get("descriptors", 0) < IN_FLIGHT:
            time.sleep(LOOK_S)
        began, jumped, limited = time.monotonic(), False, False
        while child.poll() is None and (age := time.monotonic() - began) < life_s + limited * 60:
            time.sleep(LOOK_S)
            if age > life_s / 2 and not limited:
                limited = ends == "a full disk"
                if limited:
                    _fill_disk(child.pid, store)
                elif "jumped" in ends and not jumped:
                    jumped = True
                    child.send_signal(signal.SIGUSR1)
            if not limited:
                life.looks.append((age, _look(child.pid, store)))
        while child.poll() is None:  # a switch that is pressed before anything is sent is heard by nobody
            child.send_signal(signal.SIGINT if ends == "Ctrl-C" else signal.SIGKILL)
            time.sleep(LOOK_S)
        code = child.wait()
    expected = {"a full disk": 1, "Ctrl-C": 0}.get(ends, -signal.SIGKILL)
    if code != expected:
        life.ended_by = f"code {code} in place of {ends}"
    return life


def _fill_disk(pid: int, store: Path) -> None:
    """From now on no file of the process grows: the kernel refuses (setrlimit(2), RLIMIT_FSIZE)."""
    wal = store.with_name(f"{store.name}-wal")
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (wal.stat().st_size + ROOM_BYTES, hard))


def _look(pid: int, store: Path) -> dict[str, float]:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        wal = store.with_name(f"{store.name}-wal").stat().st_size
    except (OSError, IndexError):
        return {}
    rss = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")), "0")
    return {"rss_mb": int(rss) / 1024, "descriptors": float(descriptors), "wal_mb": wal / 1e6}


def compare_with_log(store: Path, seen: set[str]) -> dict[str, Any]:
    """The result file beside the ids of all requests that the server saw."""
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        recorded = db.execute("select meta from attempt where ended = 'recorded'")
        metas = [json.loads(expand_meta(meta)) for (meta,) in recorded]
        known = {meta["request"]["id"] for meta in metas}
        answered = {meta["request"]["id"] for meta in metas if meta["head"] is not None}
        states = dict(db.execute("select status, count(*) from exchange group by status").fetchall())
        (keys,) = db.execute("select count(distinct run_id || plan_key) from exchange").fetchone()
        (lost,) = db.execute("select count(*) from attempt where ended = 'lost'").fetchone()
        (runs,) = db.execute("select count(*) from run").fetchone()
        (integrity,) = db.execute("pragma integrity_check").fetchone()
    finally:
        db.close()
    return {
        "runs": runs,
        "exchanges": states,
        "stored_twice": len(metas) - len(known) + sum(states.values()) - keys,
        "requests_seen": len(seen),
        "requests_recorded": len(known),
        "seen_and_not_recorded": len(seen - known),
        "answered_and_never_seen": len(answered - seen),
        "lost_attempts": lost,
        "marked_clock_jumped": sum("clock_jumped" in meta.get("flags", ()) for meta in metas),
        "integrity": integrity,
    }


def find_growth(lives: list[Life], name: str) -> dict[str, float]:
    """Slope a minute over the settled part of each life: the median of them, and how much of it time explains."""
    slopes, explained = [], []
    for life in lives:
        looks = [(age / 60, took[name]) for age, took in life.looks if age > SETTLING_S and took]
        if looks and looks[-1][0] * 60 >= SHORTEST_LIFE_S:
            times, values = zip(*looks, strict=True)
            slopes.append(linear_regression(times, values).slope)
            explained.append(correlation(times, values) ** 2 if len(set(values)) > 1 else 0.0)
    if not slopes:
        return {"slope": 0.0, "r2": 0.0, "lives": 0}
    return {"slope": round(median(slopes), 3), "r2": round(median(explained), 3), "lives": len(slopes)}


def list_broken_promises(found: dict[str, Any]) -> list[str]:
    """What did not hold, a sentence each; empty if all did."""
    held = {
        "the result file is whole": found["integrity"] == "ok",
        "all starts went on with one run": found["runs"] == 1,
        "nothing is stored twice": found["stored_twice"] == 0,
        "no answer is of a request that the server did not see": found["answered_and_never_seen"] == 0,
        "no more is missing than was in flight": found["seen_and_not_recorded"] <= found["lost_attempts"]
        and found["lost_attempts"] <= found["most_lost"],
        "nothing is left as sent": "sent" not in found["exchanges"],
        "every process ended as it was to": not any("in place of" in end for end in found["ends"]),
        "what the clock's jump touched is marked": 0 < found["marked_clock_jumped"] <= IN_FLIGHT,
    }
    for name, most in NOISE.items():
        grew = found["grew_a_minute"][name]
        held[f"{name} does not grow"] = grew["slope"] <= most or grew["r2"] < EXPLAINED
    return [sentence for sentence, is_kept in held.items() if not is_kept]


def _list_values(lives: list[Life], name: str) -> list[float]:
    return [took[name] for life in lives for age, took in life.looks if took and age > SETTLING_S] or [0.0]


def _build_environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPO)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=os.environ.get("SOAK_FOLDER")) as place:
        result = soak(Path(place), float(sys.argv[1]))
    broken = list_broken_promises(result)
    sys.stdout.write(json.dumps(result | {"broken": broken}, indent=1) + "\n")
    sys.exit(1 if broken else 0)
