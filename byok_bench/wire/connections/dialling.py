"""Dialling: a TCP connection to one of several judged addresses, and to no other.

RFC 8305: families take turns, the next address is tried when one fails or has taken a quarter of a second,
the first that connects is kept. The addresses were judged before; nothing is resolved in here.
"""

import asyncio
import itertools
import socket
from collections.abc import Iterable, Sequence
from typing import Final

from byok_bench.wire.egress.addresses import is_judged_address

STAGGER_S: Final = 0.25


class PeerError(OSError):
    """The other end is not one of the judged addresses."""


async def dial_first_reachable(addresses: Sequence[str], port: int) -> tuple[socket.socket, str]:
    """A connected, non-blocking socket and the address it reached. Raises OSError when all fail."""
    order = order_by_family(addresses)
    sock, address = await _connect_first(order, port) if len(order) > 1 else (await _connect(order[0], port), order[0])
    try:
        if not is_judged_address(sock.getpeername()[0], addresses):
            raise PeerError("the peer's address is not the one that was judged")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock, address


def order_by_family(addresses: Sequence[str]) -> list[str]:
    """The addresses with their families in turns, beginning with the first one's."""
    first_is_6 = ":" in addresses[0]
    one = [address for address in addresses if (":" in address) is first_is_6]
    other = [address for address in addresses if (":" in address) is not first_is_6]
    return [address for pair in itertools.zip_longest(one, other) for address in pair if address is not None]


async def _connect(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def _connect_first(order: Sequence[str], port: int) -> tuple[socket.socket, str]:
    """The first address that connects; the others are given up and closed."""
    waiting: dict[asyncio.Task[socket.socket], str] = {}
    errors: list[OSError] = []
    left = list(order)
    try:
        while left or waiting:
            if left:
                address = left.pop(0)
                waiting[asyncio.create_task(_connect(address, port))] = address
            pause = STAGGER_S if left else None
            finished, _ = await asyncio.wait(waiting, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                address = waiting.pop(task)
                error = task.exception()
                if error is None:
                    return task.result(), address
                if not isinstance(error, OSError):
                    raise error
                errors.append(error)
        raise errors[0]
    finally:
        await _give_up(waiting)


async def _give_up(tasks: Iterable[asyncio.Task[socket.socket]]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, socket.socket):
            outcome.close()
