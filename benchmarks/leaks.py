"""Ten thousand exchanges, good, bad and cancelled: what is left behind of sockets, tasks and file descriptors.

    python -m benchmarks.leaks [--exchanges 10000] [--at-once 50] [--clock kernel|user] [--uvloop] [--json]

Exit code 1 if anything is left, or if memory grew by more than 2 KiB an exchange with the collector off.
"""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time

from benchmarks.part import Part, Rows
from byok_bench.wire.client import Client, WireRequest
from byok_bench.wire.limits import Timeouts

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
GOOD = HEAD + b'e\r\ndata: {"a":1}\n\r\n1\r\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n'
QUICK = Timeouts(connect=5, first_byte=0.2, idle=0.2, total=5)
KINDS = (b"good", b"good", b"good", b"good", b"good", b"good", b"cut", b"silent", b"cancel", b"refused")


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request by the word in its body."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            body = await reader.readexactly(length)
            if body == b"good":
                writer.write(GOOD)
            elif body == b"cut":
                writer.write(GOOD[:-25])
                break
            else:
                writer.write(HEAD)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the client is done with it
    finally:
        writer.close()


def state() -> tuple[int, int, int]:
    """(file descriptors, tasks, resident KiB)."""
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks()), resident


async def one(client: Client, url: str, kind: bytes, number: int) -> str:
    """One exchange; how it ended, in a word."""
    target = "http://127.0.0.1:1/v1" if kind == b"refused" else url
    request = WireRequest(id=str(number), url=target, body=kind, terminator="sse-done", timeouts=QUICK)
    going = asyncio.ensure_future(client.send_request(request))
    if kind == b"cancel":
        await asyncio.sleep(0.01)
        going.cancel()
    try:
        record = await going
    except asyncio.CancelledError:
        return "cancelled"
    return record.failure.kind if record.failure else record.end


async def main(options: argparse.Namespace) -> int:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    counts: dict[str, int] = {}
    slots = asyncio.Semaphore(options.at_once)

    async def slot(client: Client, number: int) -> None:
        async with slots:
            word = await one(client, url, KINDS[number % len(KINDS)], number)
        counts[word] = counts.get(word, 0) + 1

    async def round_of(exchanges: int) -> None:
        async with Client(clock=options.clock) as client:
            for start in range(0, exchanges, 1000):
                await asyncio.gather(*(slot(client, n) for n in range(start, min(start + 1000, exchanges))))
        await asyncio.sleep(0.1)

    await round_of(min(1000, options.exchanges))
    gc.collect()
    gc.disable()
    before, began = state(), time.perf_counter()
    counts.clear()
    await round_of(options.exchanges)
    after = state()
    left = {
        "exchanges": sum(counts.values()),
        "descriptors": after[0] - before[0],
        "tasks": after[1] - before[1],
        "kib": after[2] - before[2],
    }
    if options.json:
        print(json.dumps(left))
    else:
        print(f"{time.perf_counter() - began:.1f} s: {counts}, collector off; left: {left}")
    server.close()
    return int(left["descriptors"] > 0 or left["tasks"] > 0 or left["kib"] / options.exchanges > 2)


def rows(repeats: int) -> Rows:
    """Each way to read a socket, in a process of its own; once, since it counts and does not time."""
    ways = {"kernel stamps": [], "own stamps": ["--clock", "user"], "uvloop": ["--uvloop"]}
    found: Rows = {}
    for name, options in ways.items():
        command = [sys.executable, "-m", "benchmarks.leaks", "--json", *options]
        found[name] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout)
    return found


PART = Part(
    "leaks",
    "Ten thousand exchanges",
    "Good, cut, silent, refused and cancelled ones; what is left afterwards.",
    ("exchanges", "descriptors", "tasks", "kib"),
    rows,
)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--clock", choices=["kernel", "user"], default="kernel")
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.uvloop:
        import uvloop

        sys.exit(uvloop.run(main(chosen)))
    sys.exit(asyncio.run(main(chosen)))
