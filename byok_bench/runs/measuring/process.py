"""Measuring in processes of their own: one beside a notebook's kernel, or several that share the load.

A kernel's loop is no place to measure: cells, widgets and imports share it. The process gets plan and keys over a
pipe, stores what it measures, and tells; the kernel only shows. If it is killed, what it stored is there.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import IO, Any, Final, Self

import msgspec

from byok_bench.errors import ByokBenchError
from byok_bench.redact import redact
from byok_bench.runs.measuring import pipe_messages
from byok_bench.runs.measuring.pipe_messages import (
    BlocksPlayed,
    Finish,
    Go,
    MessageFromProcess,
    MessageToProcess,
    Start,
    Stop,
    WorkerError,
)
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.planning.load_patterns import OpenLoad
from byok_bench.runs.progress import LimitMet, MeasuringEvent

GRACE_S: Final = 10.0
"""How long a process may take to end once it was told to."""
HEAD_START_NS: Final = 100_000_000
"""An open loop that several processes drive begins this long after they were told."""
LAST_WORDS_BYTES: Final = 2_000
PACKAGE_PARENT: Final = str(Path(__file__).parents[3])
# -P: a folder of notebooks may hold a file named like a module of the standard library.
COMMAND: Final = (
    sys.executable,
    "-P",
    "-c",
    f"import sys; sys.path.append({PACKAGE_PARENT!r}); "
    "from byok_bench.runs.measuring.worker import serve_over_pipes; serve_over_pipes()",
)
MeasuringListener = Callable[[MeasuringEvent], None]


class ProcessEnded(ByokBenchError):
    """A measuring process ended before its work did; what it stored is kept."""


def is_in_notebook() -> bool:
    """Whether this is a Jupyter kernel, whose loop is shared with cells and widgets."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


async def measure_in_process(start: Start, tell: MeasuringListener, stop: StopSwitch) -> None:
    """Play everything in one process beside this one."""
    async with MeasuringProcess(start) as process:
        if start.processes == 1:
            process.send(Go(blocks=tuple(range(len(start.work.blocks)))))
        with stop.relay(process.finish):
            await process.wait_until_played(tell)


async def measure_in_workers(start: Start, tell: MeasuringListener, stop: StopSwitch) -> None:
    """Play every block in several processes at once, each its share; the next block begins when all are through.

    A limit that they share is told once, and nothing begins after it.
    """
    limits_met: list[LimitMet] = []

    def tell_once(event: MeasuringEvent) -> None:
        if not limits_met or not isinstance(event, LimitMet):
            tell(event)
        if isinstance(event, LimitMet):
            limits_met.append(event)

    count = start.processes
    async with AsyncExitStack() as stack:
        alone = msgspec.structs.replace(start, processes=1)
        processes = [await stack.enter_async_context(MeasuringProcess(alone)) for _ in range(count)]
        for process in processes:
            stack.enter_context(stop.relay(process.finish))
        for index, block in enumerate(start.work.blocks):
            if stop.is_pressed or limits_met:
                return
            begin = time.perf_counter_ns() + HEAD_START_NS if isinstance(block.load, OpenLoad) else None
            for which, process in enumerate(processes):
                process.send(Go(blocks=(index,), begin_ns=begin, which=which, of=count))
            await asyncio.gather(*(process.wait_until_played(tell_once) for process in processes))


class MeasuringProcess:
    """One measuring process, from its start to its end."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._heard: asyncio.Queue[MessageFromProcess | None] = asyncio.Queue()
        self._last_words = b""

    async def __aenter__(self) -> Self:
        self._start_child(asyncio.get_running_loop())
        try:
            await asyncio.to_thread(self.send, self._start)
        except asyncio.CancelledError:
            await self.__aexit__()
            raise
        return self

    def _start_child(self, loop: asyncio.AbstractEventLoop) -> None:
        # Not asyncio's subprocess: the loop of a kernel on Windows has none, and a blocked kernel reads no pipe.
        self._child = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._build_environment(),
            start_new_session=True,  # Ctrl-C is for us; we tell it
        )
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._threads = [
            threading.Thread(target=self._receive_messages, args=(self._child.stdout, loop), daemon=True),
            threading.Thread(target=self._keep_last_words, args=(self._child.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    async def __aexit__(self, *reason: Any) -> None:
        """Tell it to stop, wait while it puts away what is in flight, and end it if it does not.

        A cancel meanwhile must not leave a process behind: it is heard when the process is gone.
        """
        self.send(Stop())
        ending = asyncio.ensure_future(asyncio.to_thread(self._end_child))
        cancelled: asyncio.CancelledError | None = None
        while not ending.done():
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._child.pid

    def send(self, message: MessageToProcess) -> None:
        """Tell the process; one that is gone is found out when it is listened to."""
        assert self._child.stdin is not None
        with suppress(OSError):
            pipe_messages.write_frame(self._child.stdin, message)

    def finish(self) -> None:
        """Let it finish what is in flight, and begin nothing new."""
        self.send(Finish())

    async def wait_until_played(self, tell: MeasuringListener) -> None:
        """Pass on what it tells until it is through. Raises what broke it, or ProcessEnded."""
        while True:
            message = await self._heard.get()
            if isinstance(message, MeasuringEvent):
                tell(message)
            elif isinstance(message, BlocksPlayed):
                return
            elif isinstance(message, WorkerError):
                raise ByokBenchError(message.message, code=message.code)
            else:
                raise ProcessEnded(self._describe_end(), code="process_ended")

    def _build_environment(self) -> dict[str, str]:
        """Without the variables that keys were read from: those travel over the pipe alone."""
        references = (ref for endpoint in self._start.endpoints for ref in pipe_messages.list_key_references(endpoint))
        taken = {ref.name for ref in references if ref.kind == "env" and str(ref) in self._start.secrets}
        return {name: value for name, value in os.environ.items() if name not in taken}

    def _receive_messages(self, pipe: IO[bytes], loop: asyncio.AbstractEventLoop) -> None:
        try:
            while (raw := pipe_messages.read_frame(pipe)) is not None:
                self._pass_on(loop, pipe_messages.read_message_from_process(raw))
        finally:
            self._pass_on(loop, None)

    def _pass_on(self, loop: asyncio.AbstractEventLoop, message: MessageFromProcess | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits for this any more
            loop.call_soon_threadsafe(self._heard.put_nowait, message)

    def _keep_last_words(self, pipe: IO[bytes]) -> None:
        while said := pipe.read1(LAST_WORDS_BYTES):  # type: ignore[attr-defined]
            self._last_words = (self._last_words + said)[-LAST_WORDS_BYTES:]

    def _end_child(self) -> None:
        assert self._child.stdin is not None
        with suppress(OSError):
            self._child.stdin.close()
        try:
            self._child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()

    def _describe_end(self) -> str:
        try:
            code = self._child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            return "the measuring process closed its pipe; what it stored is kept"
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        words = redact(self._last_words.decode(errors="replace"), tuple(self._start.secrets.values())).strip()
        last = f": {words.splitlines()[-1]}" if words else ""
        return f"the measuring process {how}{last}; what it stored is kept"
