"""What receiving an event costs at the least: three ways, on the same sockets at the same pace.

    python -m benchmarks.floor WAY

64 sockets, an event every 156 µs on one after the other, as 64 streams of 100 events/s bring them: each finds the
process asleep. `epoll` is a bare loop of Python that reads and keeps; `asyncio` does so in one callback a socket;
`transport` is ours, with stamps, HTTP, limits and clocks. None decodes.
"""

import argparse
import asyncio
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from benchmarks.judging import chunk
from benchmarks.part import Part, Rows
from benchmarks.steal import undisturbed
from benchmarks.truth import CLIENT_CORE, SERVER_CORE, environment, pinned
from byok_bench.wire.connections.connection import Connection
from byok_bench.wire.connections.exchange_clocks import Flight
from byok_bench.wire.connections.socket_links import KernelHub, KernelLink
from byok_bench.wire.limits import Limits, Timeouts
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest

STREAMS, EVENTS, PACE_NS = 64, 6_400, 156_000
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def pairs() -> tuple[list[socket.socket], list[socket.socket]]:
    """Connected sockets, ours and the server's."""
    ours, theirs = [], []
    with socket.create_server(("127.0.0.1", 0), backlog=STREAMS) as listener:
        for _ in range(STREAMS):
            ours.append(socket.create_connection(listener.getsockname()))
            ours[-1].setblocking(False)
            theirs.append(listener.accept()[0])
            theirs[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, theirs


def send(sockets: list[socket.socket]) -> None:
    """The server's side, in a process and on a core of its own; it waits for the reader to get ready."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {SERVER_CORE})
    event = chunk({"content": " hello"})
    piece = b"%x\r\n%b\r\n" % (len(event), event)
    for one in sockets:
        one.send(HEAD)
    due = time.perf_counter_ns() + 300_000_000
    for number in range(EVENTS):
        while time.perf_counter_ns() < due:
            pass
        sockets[number % STREAMS].send(piece)
        due += PACE_NS
    for one in sockets:
        one.send(END)


def bare(sockets: list[socket.socket]) -> None:
    """Read and keep, in a loop of one's own."""
    kept: list[tuple[int, bytes]] = []
    by_number = {one.fileno(): one for one in sockets}
    left = len(sockets)
    with select.epoll() as epoll:
        for number in by_number:
            epoll.register(number, select.EPOLLIN)
        while left:
            for number, _ in epoll.poll():
                data = by_number[number].recv(65_536)
                kept.append((time.perf_counter_ns(), data))
                left -= data.endswith(END)


async def by_asyncio(sockets: list[socket.socket]) -> None:
    """Read and keep, in callbacks."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    kept: list[tuple[int, bytes]] = []
    open_ = set(sockets)

    def ready(one: socket.socket) -> None:
        data = one.recv(65_536)
        kept.append((time.perf_counter_ns(), data))
        if data.endswith(END):
            loop.remove_reader(one)
            open_.remove(one)
            if not open_:
                over.set_result(None)

    for one in sockets:
        loop.add_reader(one, ready, one)
    await over


async def by_transport(sockets: list[socket.socket]) -> None:
    """An exchange on each, as the client carries it."""
    hub = KernelHub(asyncio.get_running_loop())
    flights = []
    for one in sockets:
        request = RawRequest(id="r", method="POST", url="http://127.0.0.1/v1", headers=(), body=b"{}")
        record = RawExchange(request=request, phases=Phases(start=time.perf_counter_ns()))
        flight = Flight(record, timeouts=Timeouts(), limits=Limits(), terminator="sse-done")
        connection = Connection(KernelLink(hub, one), "127.0.0.1", lambda closed: None)
        connection.begin(flight)
        connection.write(b"{}")
        flights.append(flight)
    await asyncio.gather(*(flight.landed for flight in flights))
    hub.close()


WAYS: dict[str, Callable[[list[socket.socket]], object]] = {
    "epoll": bare,
    "asyncio": lambda sockets: asyncio.run(by_asyncio(sockets)),
    "transport": lambda sockets: asyncio.run(by_transport(sockets)),
}


def cost_us(way: str) -> float:
    """CPU an event, in a process of its own."""
    command = pinned(CLIENT_CORE, [sys.executable, "-m", "benchmarks.floor", way])
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=True)
    return float(done.stdout)


def rows(repeats: int) -> Rows:
    """Medians of every way."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for repeat in range(repeats):
        for way in WAYS:
            print(f"floor {repeat + 1}/{repeats} {way}", file=sys.stderr, flush=True)
            found[way].append(undisturbed(partial(cost_us, way))[0])
    return {way: {"cpu_us": median(several)} for way, several in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=WAYS)
    way = WAYS[parser.parse_args().way]
    ours, theirs = pairs()
    child = os.fork()
    if not child:
        send(theirs)
        os._exit(0)
    for one in theirs:
        one.close()
    used = time.process_time()
    way(ours)
    used = time.process_time() - used
    os.waitpid(child, 0)
    sys.stdout.write(f"{used / EVENTS * 1e6}\n")


PART = Part(
    "floor",
    "What an event costs at the least",
    f"{STREAMS} sockets, an event every {PACE_NS // 1000} µs, which finds the process asleep; nothing is decoded. "
    "`epoll`: a bare loop of Python; `asyncio`: one callback a socket; `transport`: ours, with its record and bounds.",
    ("cpu_us",),
    rows,
)

if __name__ == "__main__":
    main()
