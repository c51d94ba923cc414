"""Links: one connected socket each, bytes with their times in, bytes out.

`KernelLink` reads by itself (`recvmsg`), so that the kernel's receive stamp comes with the bytes; `LoopLink`
leaves the reading to the event loop's own transport and stamps in `data_received`. Both call the same three
functions of whoever sits on top and know nothing of TLS or HTTP.

All kernel links of a client share one epoll, and the event loop watches that one descriptor: a burst of
readable sockets costs the loop one callback instead of one handle, context and selector key each.
"""

import asyncio
import select
import selectors
import socket
from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final, Protocol, cast

from byok_bench.wire.connections.kernel_clock import (
    CONTROL_BYTES,
    KernelClock,
    enable_stamps,
    has_kernel_stamps,
)
from byok_bench.wire.raw_exchange import Clock

READ_BYTES: Final = 65_536
WRITE_BYTES: Final = 262_144
"""How much a loop's own transport is given at a time, so that its progress can be seen."""


def _ignore_bytes(t_ns: int, data: bytes) -> None:
    """Placeholder until a reader sits on the link."""


def _ignore_value(value: object) -> None:
    """Placeholder until somebody asks."""


class Link(Protocol):
    """What a connection needs of a socket."""

    clock: Clock
    """`user` as soon as one read came without the kernel's stamp."""
    on_bytes: Callable[[int, bytes], None]
    """(t_ns, data) of each read."""
    on_end: Callable[[OSError | None], None]
    """Once: None at the peer's end of stream, else what the socket reported."""
    on_written: Callable[[int], None]
    """Stamp of handing bytes to the socket; whether others wait is told by `has_unsent`."""

    def start(self) -> None:
        """Begin to hand on what comes: whoever sits on top is there. What came before is not lost."""

    def write(self, data: bytes) -> None:
        """Hand over `data` in order; never blocks, never raises for what the peer does."""

    def has_unsent(self) -> bool:
        """Whether bytes handed over wait for room in the socket."""

    def reset_clock(self) -> None:
        """An exchange begins: `clock` speaks of the reads from here on."""

    def is_idle_and_clean(self) -> bool:
        """Whether the peer has sent nothing that was not read, not even its end of stream."""

    def close(self) -> None:
        """Close the socket at once; no callback follows."""


class KernelHub:
    """One epoll for all kernel links of a client."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._links: dict[int, KernelLink] = {}
        self.kernel_clock = KernelClock()
        self.buffer = memoryview(bytearray(READ_BYTES))
        """What any link reads into, one at a time: a buffer made for each read costs more than a copy out of this."""
        # The kernel patches its own code when the first socket asks for stamps and when the last one closes, half
        # a millisecond each. This one, never connected, keeps the switch on while the hub lives.
        self._keeper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        enable_stamps(self._keeper)
        try:
            loop.add_reader(self._epoll.fileno(), self._poll_links)
        except NotImplementedError:
            self._keeper.close()
            self._epoll.close()
            raise

    def _poll_links(self) -> None:
        links = self._links
        for number, mask in self._epoll.poll(0):
            link = links.get(number)
            if link is None:
                continue
            if mask & select.EPOLLOUT:
                link.send_unsent()
            if mask & ~select.EPOLLOUT:
                link.receive_once()

    def register_link(self, number: int, link: "KernelLink", mask: int) -> None:
        """Call `link` when its socket is ready for what `mask` names; 0 ends that."""
        if not mask:
            if self._links.pop(number, None) is not None:
                self._epoll.unregister(number)
        elif number in self._links:
            self._epoll.modify(number, mask)
        else:
            self._links[number] = link
            self._epoll.register(number, mask)

    def close(self) -> None:
        """Close every link, then the epoll itself."""
        for link in list(self._links.values()):
            link.close()
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._keeper.close()


class KernelLink:
    """A socket read by `recvmsg`: each read carries the time at which the kernel received it."""

    def __init__(self, hub: KernelHub, sock: socket.socket) -> None:
        self._best_clock: Clock = "kernel" if enable_stamps(sock) else "user"
        self.clock: Clock = self._best_clock
        self.on_bytes: Callable[[int, bytes], None] = _ignore_bytes
        self.on_end: Callable[[OSError | None], None] = _ignore_value
        self.on_written: Callable[[int], None] = _ignore_value
        self._hub = hub
        self._sock = sock
        self._number = sock.fileno()
        self._stamp = hub.kernel_clock.stamp
        self._buffer = hub.buffer
        self._buffers = (hub.buffer,)
        self._last = 0
        self._unsent: deque[memoryview] = deque()
        self._broken: OSError | None = None
        self._mask = 0

    def start(self) -> None:
        self._register_mask(select.EPOLLIN)

    def _register_mask(self, mask: int) -> None:
        if mask != self._mask:
            self._mask = mask
            self._hub.register_link(self._number, self, mask)

    def receive_once(self) -> None:
        """Read once; epoll is level-triggered, so what is left over comes with the next call."""
        try:
            size, controls, _, _ = self._sock.recvmsg_into(self._buffers, CONTROL_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end_reading(error)
            return
        if not size:
            self._end_reading(self._broken)
            return
        self._last, kernel = self._stamp(controls, perf_counter_ns(), self._last)
        if not kernel:
            self.clock = "user"
        self.on_bytes(self._last, bytes(self._buffer[:size]))

    def _end_reading(self, error: OSError | None) -> None:
        self._unsent.clear()
        self._register_mask(0)
        self.on_end(error)

    def write(self, data: bytes) -> None:
        self._unsent.append(memoryview(data))
        if len(self._unsent) == 1:
            self.send_unsent()

    def send_unsent(self) -> None:
        """Send what waits. A broken pipe is reported by the reads, behind what the peer said before."""
        unsent = self._unsent
        last = 0
        while unsent:
            stamp = perf_counter_ns()
            try:
                sent = self._sock.send(unsent[0])
            except (BlockingIOError, InterruptedError):
                self._register_mask(self._mask | select.EPOLLOUT)
                break
            except OSError as error:
                self._broken = error
                unsent.clear()
                self._register_mask(self._mask & ~select.EPOLLOUT)
                return
            last = stamp
            if sent < len(unsent[0]):
                unsent[0] = unsent[0][sent:]
            else:
                unsent.popleft()
        else:
            self._register_mask(self._mask & ~select.EPOLLOUT)
        if last:
            self.on_written(last)

    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def reset_clock(self) -> None:
        self.clock = self._best_clock

    def is_idle_and_clean(self) -> bool:
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        self._register_mask(0)
        self._sock.close()


class LoopLink(asyncio.Protocol):
    """A socket read by the event loop; the stamp is taken first thing in `data_received`."""

    clock: Clock = "user"

    def __init__(self) -> None:
        self.on_bytes: Callable[[int, bytes], None] = _ignore_bytes
        self.on_end: Callable[[OSError | None], None] = _ignore_value
        self.on_written: Callable[[int], None] = _ignore_value
        self._transport: asyncio.Transport | None = None
        self._unsent: deque[memoryview] = deque()
        self._early: list[tuple[int, bytes]] | None = []
        self._end: list[OSError | None] = []
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)

    def start(self) -> None:
        early, self._early = self._early, None
        for t_ns, data in early or ():
            self.on_bytes(t_ns, data)
        if early is not None and self._end and not self._closed:
            self.on_end(self._end[0])

    def data_received(self, data: bytes) -> None:
        t_ns = perf_counter_ns()
        if self._early is None:
            self.on_bytes(t_ns, data)
        else:
            self._early.append((t_ns, data))

    def eof_received(self) -> None:
        self._end_reading(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_reading(exc if isinstance(exc, OSError) else None)

    def resume_writing(self) -> None:
        self._push_unsent(perf_counter_ns())

    def _end_reading(self, error: OSError | None) -> None:
        if not self._end:
            self._end.append(error)
            if self._early is None and not self._closed:
                self.on_end(error)

    def write(self, data: bytes) -> None:
        self._unsent.append(memoryview(data))
        if not self._has_buffered():
            self._push_unsent(0)

    def _push_unsent(self, stamp: int) -> None:
        """Give the transport what it can take at once; `stamp` is when it took what came before."""
        assert self._transport is not None
        unsent = self._unsent
        while unsent and not self._has_buffered():
            stamp = perf_counter_ns()
            self._transport.write(unsent[0][:WRITE_BYTES])
            if len(unsent[0]) > WRITE_BYTES:
                unsent[0] = unsent[0][WRITE_BYTES:]
            else:
                unsent.popleft()
        if stamp:
            self.on_written(stamp)

    def _has_buffered(self) -> bool:
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def has_unsent(self) -> bool:
        return bool(self._unsent) or self._has_buffered()

    def reset_clock(self) -> None:
        """It is the user's clock at any time."""

    def is_idle_and_clean(self) -> bool:
        if self._end or self._transport is None or self._transport.is_closing():
            return False
        with selectors.DefaultSelector() as waiting:  # what the loop has not read yet counts, too
            waiting.register(self._transport.get_extra_info("socket"), selectors.EVENT_READ)
            return not waiting.select(0)

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.abort()


async def open_link(loop: asyncio.AbstractEventLoop, sock: socket.socket, hub: KernelHub | None) -> Link:
    """A link over a connected socket: read by ourselves through `hub`, or by the loop where there is none."""
    if hub is not None:
        return KernelLink(hub, sock)
    _, link = await loop.create_connection(LoopLink, sock=sock)
    return link


def open_hub(loop: asyncio.AbstractEventLoop, clock: Clock) -> KernelHub | None:
    """The hub for kernel stamps, or None: not wanted, not Linux, or a loop that cannot watch descriptors."""
    if clock != "kernel" or not has_kernel_stamps():
        return None
    try:
        return KernelHub(loop)
    except NotImplementedError:
        return None
