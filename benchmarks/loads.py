"""The loads that every client is put under, in turn, against the server with its own clock."""

import sys
from functools import partial

from benchmarks.measure import Load, Result, measure, summary
from benchmarks.part import Part, Rows
from benchmarks.steal import undisturbed
from benchmarks.truth import truth_server

TIMES = ("ttft_p50", "ttft_p99", "gap_p50", "gap_p99", "queued_p99", "cpu_100k", "stolen", "failed")


def rows(load: Load, clients: list[str], repeats: int) -> Rows:
    """Every client under one load; the order turns from repeat to repeat."""
    results: dict[str, list[Result]] = {client: [] for client in clients}
    with truth_server() as server:
        for repeat in range(repeats):
            for client in clients[repeat % len(clients) :] + clients[: repeat % len(clients)]:
                print(f"{load.name} {repeat + 1}/{repeats} {client}", file=sys.stderr, flush=True)
                one, stolen = undisturbed(partial(measure, server, client, load))
                one.stolen = stolen
                results[client].append(one)
    return {client: summary(found, load) for client, found in results.items()}


def part(load: Load, title: str, says: str, columns: tuple[str, ...], clients: str) -> Part:
    return Part(
        load.name,
        title,
        f"{says} Schedule: `{load.model}`.",
        columns,
        partial(rows, load, clients.split()),
    )


PARTS = (
    part(
        Load("burst", streams=64, rounds=2, ttft_ms=50, gap_ms=10, events=64),
        "64 streams at once",
        "64 connections opened at once, 100 events/s on each, two requests a connection.",
        TIMES,
        "limit byok byok-user byok+uvloop byok-checks byok-run asyncio aiohttp httpx httpx-sse openai",
    ),
    part(
        Load("steady", streams=64, rounds=2, ttft_ms=50, gap_ms=10, events=64, spread_ms=650),
        "64 streams, spread",
        "The same streams, started evenly over 0.65 s, so that events come one by one for every client alike: in "
        "the burst they come in bunches that depend on how the client spaced its own requests, and bunches are cheap.",
        TIMES,
        "byok byok+uvloop byok-checks aiohttp httpx openai",
    ),
    part(
        Load("heavy", streams=256, rounds=1, ttft_ms=50, gap_ms=10, events=256),
        "256 streams at once",
        "25 600 events/s for one core.",
        (*TIMES[:-2], "late", "stolen", "failed"),
        "limit byok byok-user byok+uvloop asyncio aiohttp",
    ),
    part(
        Load("alone", streams=64, rounds=8, ttft_ms=50, gap_ms=10, events=64),
        "Without a client, 64 streams",
        "`bb.send` in a loop, each call without a client (`byok-alone`), beside the same calls with one.",
        TIMES,
        "byok byok-alone aiohttp",
    ),
    part(
        Load("alone-256", streams=256, rounds=3, ttft_ms=50, gap_ms=10, events=64),
        "Without a client, 256 streams",
        "The same at 25 600 events/s.",
        TIMES,
        "byok byok-alone aiohttp",
    ),
    part(
        Load("packed", streams=4, rounds=4, ttft_ms=5, gap_ms=0, events=2000, pack=20),
        "Packed",
        "20 events a packet, as fast as the socket takes them; decoding included.",
        ("cpu_100k", "events_s", "stolen", "failed"),
        "byok byok-checks aiohttp httpx",
    ),
    part(
        Load("memory", streams=1000, rounds=1, ttft_ms=3000, gap_ms=100, events=20),
        "1 000 open streams",
        "Peak of the process above what it held before, without the recorded bytes of the bodies.",
        ("kib_stream", "failed"),
        "byok byok-user byok+uvloop aiohttp",
    ),
)
