"""The measuring process: told over stdin what to play, telling over stdout.

It writes records into the store itself, so what was acknowledged does not depend on whoever started it. It ends when
its stdin does. Its loop waits for no reader: a thread writes what is to be told.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from byok_bench.errors import ByokBenchError
from byok_bench.runs.measuring import pipe_messages
from byok_bench.runs.measuring.event_loop import find_loop_factory
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
from byok_bench.runs.measuring.process import measure_in_workers
from byok_bench.runs.measuring.session import MeasuringSession
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.storage import ledger
from byok_bench.runs.storage.owner import name_this_process
from byok_bench.runs.storage.result_file import StoreWriter

Inbox = asyncio.Queue[MessageToProcess]
Outbox = SimpleQueue[MessageFromProcess | None]


class StopRequest(Exception):
    """Told to stop, or nobody is there any more."""


def serve_over_pipes() -> None:
    """Serve until told to stop."""
    told, tell = _take_over_pipes()
    outbox: Outbox = SimpleQueue()
    writing = threading.Thread(target=_write_all, args=(outbox, tell))
    writing.start()
    try:
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            runner.run(_serve(told, outbox))
    except StopRequest:
        pass
    except ByokBenchError as error:
        outbox.put(WorkerError(message=str(error), code=error.code))
    finally:
        outbox.put(None)
        writing.join()


async def _serve(told: IO[bytes], outbox: Outbox) -> None:
    inbox: Inbox = asyncio.Queue()
    reader = threading.Thread(target=_read_all, args=(told, asyncio.get_running_loop(), inbox), daemon=True)
    reader.start()
    start = await inbox.get()
    if not isinstance(start, Start):
        raise StopRequest
    if start.processes > 1:
        stop = StopSwitch()
        with stop.enable():
            await _play_unless_stopped(measure_in_workers(start, outbox.put, stop), inbox, stop.press)
        outbox.put(BlocksPlayed())
        return
    endpoints = [pipe_messages.insert_secrets(endpoint, start.secrets) for endpoint in start.endpoints]
    writer = StoreWriter(Path(start.store))
    try:
        async with MeasuringSession(start.work, endpoints, writer, outbox.put) as session:
            while isinstance(go := await inbox.get(), Go | Finish):
                if isinstance(go, Finish):
                    session.finish()
                    continue
                blocks = [start.work.blocks[index] for index in go.blocks]
                playing = session.play(blocks, go.begin_ns, (go.which, go.of))
                await _play_unless_stopped(playing, inbox, session.finish)
                outbox.put(BlocksPlayed())
    finally:
        await writer.commit_statement(ledger.give_back_owned, start.work.run_id, name_this_process())
        writer.close()


async def _play_unless_stopped(playing: Coroutine[Any, Any, None], inbox: Inbox, finish: Callable[[], object]) -> None:
    """Play on; what arrives meanwhile asks for the end: of what is in flight by itself, or at once."""
    work = asyncio.ensure_future(playing)
    while not work.done():
        told = asyncio.ensure_future(inbox.get())
        await asyncio.wait((work, told), return_when=asyncio.FIRST_COMPLETED)
        if not told.done():
            told.cancel()
        elif isinstance(told.result(), Finish):
            finish()
        else:
            work.cancel()
            await asyncio.wait((work,))
            raise StopRequest
    return await work


def _take_over_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """stdin and stdout for messages alone; what anything else prints goes to stderr."""
    told, tell = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return told, tell


def _read_all(pipe: IO[bytes], loop: asyncio.AbstractEventLoop, inbox: Inbox) -> None:
    try:
        while (raw := pipe_messages.read_frame(pipe)) is not None:
            loop.call_soon_threadsafe(inbox.put_nowait, pipe_messages.read_message_to_process(raw))
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(inbox.put_nowait, Stop())


def _write_all(outbox: Outbox, pipe: IO[bytes]) -> None:
    while (message := outbox.get()) is not None:
        try:
            pipe_messages.write_frame(pipe, message)
        except OSError:
            return  # nobody reads any more; stdin tells the loop the same
    sys.stderr.flush()


if __name__ == "__main__":
    serve_over_pipes()
