"""What a worker of a cluster tells: what it is about to send, what came back, and how it fared.

A worker has no result file: what its executor would write becomes a message, and the client writes it. The message
that an exchange is about to be sent is with the scheduler before it is sent, so that it counts as maybe billed when
the worker dies. Nothing of a key is in any of them: records are cleaned before they leave the worker.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final

import msgspec

from byok_bench.runs.cluster.lent_purse import ClaimAsked, ClaimSettled
from byok_bench.runs.measuring.clean_records import make_clean_record, store_clean_attempt
from byok_bench.runs.planning.plan import Job
from byok_bench.runs.progress import MeasuringEvent
from byok_bench.runs.storage import circumstances, ledger
from byok_bench.runs.storage.ledger import ExchangeEnd
from byok_bench.runs.storage.owner import name_this_process, name_timeline
from byok_bench.runs.storage.records import Record

MOST_TOGETHER: Final = 64
"""Messages that are sent in one piece."""
GATHER_S: Final = 0.01
"""How long a message waits for others. A piece costs some milliseconds of processor time on its way, however small."""


class Claimed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An exchange is about to be sent."""

    job: Job
    turn: int
    attempt: int
    waited_ms: float | None
    client_ms: float | None
    timeline: str


class Recorded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What an attempt brought; `end` is None if another follows."""

    key: str
    attempt: int
    record: Record
    end: ExchangeEnd | None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An exchange that is not asked, and why."""

    key: str
    why: str


class FailedUnsent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An exchange that failed before anything was sent."""

    key: str
    kind: str
    phase: str
    why: str


class SectionMeasured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How the worker fared during one lease."""

    target: int
    stage: int
    health: bytes


class RecoverySeen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One wait for a server to answer again."""

    target: int
    document: bytes


WorkerMessage = (
    Claimed
    | Recorded
    | LeftOut
    | FailedUnsent
    | SectionMeasured
    | RecoverySeen
    | ClaimAsked
    | ClaimSettled
    | MeasuringEvent
)


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one lease, in their order."""

    lease: int
    messages: list[WorkerMessage]


def pack_bundle(bundle: Bundle) -> bytes:
    """One item of the queue between workers and client."""
    return msgspec.msgpack.encode(bundle)


def unpack_bundle(raw: bytes) -> Bundle:
    """The messages that were packed."""
    return msgspec.msgpack.decode(raw, type=Bundle)


_MAKERS: Final[Mapping[Callable[..., Any], Callable[..., WorkerMessage]]] = {
    ledger.claim_attempt: lambda _, job, turn, attempt, owner, waited_ms=None, client_ms=None: Claimed(
        job=job,
        turn=turn,
        attempt=attempt,
        waited_ms=waited_ms,
        client_ms=client_ms,
        timeline=name_timeline(owner),
    ),
    store_clean_attempt: lambda _, key, attempt, raw, end: Recorded(
        key=key, attempt=attempt, record=make_clean_record(raw), end=end
    ),
    ledger.leave_out: lambda _, key, why: LeftOut(key=key, why=why),
    ledger.fail_unsent: lambda _, key, kind, phase, why: FailedUnsent(key=key, kind=kind, phase=phase, why=why),
    circumstances.store_section: lambda _, target, stage, health: SectionMeasured(
        target=target, stage=stage, health=health
    ),
    circumstances.store_recovery: lambda _, target, document: RecoverySeen(target=target, document=document),
}
"""Statement that an executor would commit → its message."""


class RemoteWriter:
    """Takes an executor's statements where there is no result file, in a thread of its own."""

    def __init__(self, lease: int, records: Mapping[int, Record], put: Callable[[bytes], None]) -> None:
        """`records`: of earlier turns, by the row's id. `put` hands over one bundle, and returns when it is safe."""
        self._lease = lease
        self._records = records
        self._put = put
        self._problem: Exception | None = None
        """What kept a piece from being handed over: nothing goes out after it."""
        self._waiting: SimpleQueue[tuple[Callable[[], WorkerMessage], Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._send_batches, name="byok-bench-lease", daemon=True)
        self._thread.start()

    async def commit_statement(self, statement: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What the statement would return, once its message is with the scheduler.

        A record is not waited for: what its slot asks next is announced after it, and that is waited for.
        """
        if statement is ledger.find_record:
            return self._records.get(args[0])
        made = _MAKERS[statement]
        handed_over = self._submit(lambda: made(*args, **kwargs))
        if statement is not store_clean_attempt:
            await asyncio.shield(asyncio.wrap_future(handed_over))
        return True

    def tell(self, event: MeasuringEvent | ClaimAsked | ClaimSettled) -> None:
        """An event of the run, or a word to its purse, in order with the statements."""
        self._submit(lambda: event)

    def close(self) -> None:
        """Hand over what is left, and end the thread. Raises what kept anything from being handed over."""
        self._waiting.put(None)
        self._thread.join()
        if self._problem is not None:
            raise self._problem

    def _submit(self, make: Callable[[], WorkerMessage]) -> Future[Any]:
        future: Future[Any] = Future()
        self._waiting.put((make, future))
        return future

    def _send_batches(self) -> None:
        while (batch := self._take_batch()) is not None:
            try:
                if self._problem is not None:
                    raise self._problem
                messages = [make() for make, _ in batch]
                self._put(pack_bundle(Bundle(lease=self._lease, messages=messages)))
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                self._problem = error
                for _, future in batch:
                    future.set_exception(error)
            else:
                for _, future in batch:
                    future.set_result(None)

    def _take_batch(self) -> list[tuple[Callable[[], WorkerMessage], Future[Any]]] | None:
        first = self._waiting.get()
        if first is None:
            return None
        time.sleep(GATHER_S)
        batch = [first]
        while len(batch) < MOST_TOGETHER:
            try:
                item = self._waiting.get_nowait()
            except Empty:
                break
            if item is None:
                self._waiting.put(None)
                break
            batch.append(item)
        return batch


def store_message(db: Any, run_id: str, message: Claimed | Recorded | LeftOut | FailedUnsent | RecoverySeen) -> None:
    """The statement that a message stands for, on the client's side; the client answers for what is in flight."""
    if isinstance(message, Claimed):
        ledger.claim_attempt(
            db,
            run_id,
            message.job,
            message.turn,
            message.attempt,
            name_this_process(),
            message.waited_ms,
            message.client_ms,
            message.timeline,
        )
    elif isinstance(message, Recorded):
        ledger.store_attempt(db, run_id, message.key, message.attempt, message.record, message.end)
    elif isinstance(message, LeftOut):
        ledger.leave_out(db, run_id, message.key, message.why)
    elif isinstance(message, FailedUnsent):
        ledger.fail_unsent(db, run_id, message.key, message.kind, message.phase, message.why)
    else:
        circumstances.store_recovery(db, run_id, message.target, message.document)
