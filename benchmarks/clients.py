"""One client, one load, one process.

    python -m benchmarks.clients NAME --port P --streams N --rounds R --model M --spread MS --out F

Every client opens N streams at once, or spread over some time, and repeats R times. It writes one line a request:
{"id", "called_ns", "written_ns", "event_ns": [...], "end_ns"}, monotonic ns, events that carry output only;
`written_ns` is the call itself for clients that cannot know when their request reached the socket.
It prints {"wall_s", "cpu_s", "events", "failed", "grown_kib", "recorded_bytes"}; decoding is inside cpu_s for every
client. `grown_kib` is the process's peak above what it held before the load.
"""

import argparse
import asyncio
import gc
import json
import resource
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import ours, peers
from benchmarks.peers import Asker, Row, now

CLIENTS: dict[str, Callable[[str, str], Awaitable[Asker]]] = {
    "byok": ours.sending,
    "byok-user": partial(ours.sending, clock="user"),
    "byok-alone": partial(ours.sending, alone=True),
    "byok-checks": partial(ours.sending, checks=True),
    "asyncio": peers.bare_asyncio,
    "aiohttp": peers.aiohttp_lines,
    "httpx": peers.httpx_lines,
    "httpx-sse": partial(peers.httpx_lines, sse=True),
    "openai": peers.openai_sdk,
}
RUN = "byok-run"


def cpu_s() -> float:
    """User and system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory_kib(field: str) -> int:
    """Of /proc/self/status: VmRSS is resident now, VmHWM the most that ever was; 0 where there is no such file."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), 0)


async def load(name: str, port: int, streams: int, rounds: int, model: str, spread_ms: float = 0) -> dict[str, Any]:
    """Run the load; returns what is printed, and the rows."""
    base = f"http://127.0.0.1:{port}"
    if name == RUN:
        return await run_load(base, streams, rounds, model)
    client = await CLIENTS[name](base, model)
    client.read(await client.ask("warm-up"))
    rows: list[Row] = []
    failed: list[str] = []

    async def stream(number: int) -> None:
        if spread_ms:
            await asyncio.sleep(spread_ms / 1000 * number / streams)
        for turn in range(rounds):
            try:
                rows.append(await client.ask(f"{number}-{turn}"))
            except Exception as error:  # noqa: BLE001 - a client's failure is a result here
                failed.append(repr(error)[:200])

    gc.collect()
    held_kib, used_s, start = memory_kib("VmRSS"), cpu_s(), now()
    await asyncio.gather(*(stream(number) for number in range(streams)))
    wall_ns, peak_kib = now() - start, memory_kib("VmHWM")
    for one in rows:
        client.read(one)
    used_s = cpu_s() - used_s
    await client.close()
    return {
        "rows": rows,
        "wall_s": wall_ns / 1e9, "cpu_s": used_s,
        "events": sum(len(one["event_ns"]) for one in rows),
        "failed": len(failed), "first_failure": failed[:1],
        "grown_kib": peak_kib - held_kib,
        "recorded_bytes": sum(one.get("recorded_bytes", 0) for one in rows),
    }  # fmt: skip


async def run_load(base: str, streams: int, rounds: int, model: str) -> dict[str, Any]:
    """The load as one `bb.run`; imports are done by a small one before."""
    await ours.running(base, "ttft=1,gap=1,n=2", 1, 1)
    used_s, start = cpu_s(), now()
    rows = await ours.running(base, model, streams, rounds)
    wall_ns, used_s = now() - start, cpu_s() - used_s
    for one in rows:
        one.update(ours.stamps_of(one.pop("exchange")))
    events = sum(len(one["event_ns"]) for one in rows)
    return {"rows": rows, "wall_s": wall_ns / 1e9, "cpu_s": used_s, "events": events}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted({*CLIENTS, RUN}))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--model", default="ttft=50,gap=10,n=64")
    parser.add_argument("--spread", type=float, default=0, help="ms from the first stream's start to the last")
    parser.add_argument("--out", required=True)
    parser.add_argument("--uvloop", action="store_true")
    given = parser.parse_args()
    work = load(given.name, given.port, given.streams, given.rounds, given.model, given.spread)
    if given.uvloop:
        import uvloop

        result = uvloop.run(work)
    else:
        result = asyncio.run(work)
    Path(given.out).write_text("".join(json.dumps(one) + "\n" for one in result.pop("rows")))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
