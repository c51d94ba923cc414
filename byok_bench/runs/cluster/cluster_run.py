"""One start of a run on one cluster: hand out leases, store what comes back, see who is gone.

The client alone has the result file. What a worker that died had sent and not brought back is given back as lost,
maybe billed, and played again; what it had not begun goes to another.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.errors import ByokBenchError
from byok_bench.redact import redact
from byok_bench.runs.cluster.leases import Lease, LeaseBook, iterate_waves
from byok_bench.runs.cluster.lent_purse import Answers, ClaimAsked, ClaimSettled, LentPurse
from byok_bench.runs.cluster.messages import (
    Bundle,
    Claimed,
    FailedUnsent,
    LeftOut,
    Recorded,
    SectionMeasured,
    WorkerMessage,
    pack_bundle,
    store_message,
    unpack_bundle,
)
from byok_bench.runs.measuring.shared_purse import SharedPurse
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.measuring.timed_sections import Health, describe_machine
from byok_bench.runs.measuring.work import Work
from byok_bench.runs.planning.blocks import Block
from byok_bench.runs.planning.budgets import OwnPurse
from byok_bench.runs.planning.plan import Job, make_turn_key
from byok_bench.runs.progress import LimitMet, MeasuringEvent
from byok_bench.runs.resumption import give_back_lost
from byok_bench.runs.storage import ascii_json, circumstances, ledger
from byok_bench.runs.storage.ledger import ExchangeState
from byok_bench.runs.storage.records import Record
from byok_bench.runs.storage.result_file import StoreWriter, open_reader

LOOK_S: Final = 1.0
"""How often the list of workers is looked at."""
PATIENCE_S: Final = 60.0
"""How long a run waits for a worker when there is none."""
MOST_BUNDLES: Final = 64
"""Bundles between workers and client; workers wait when there are more."""
END: Final = -1
"""Number of no lease: the bundle after which nothing is listened to. Below it are marks of the client itself."""


class ClusterStart(NamedTuple):
    """What a cluster is to play."""

    cluster: Any
    """The address of a scheduler, or a `distributed.Client`."""
    work: Work
    endpoints: Sequence[Endpoint]
    """By target of the plan."""
    writer: StoreWriter
    """Where results go."""
    here: Callable[[Work], Awaitable[None]]
    """Plays what no worker may play."""


class LeaseOut:
    """A lease that a worker has, and how far it came."""

    def __init__(self, lease: Lease, worker: str, future: Any) -> None:
        self.lease = lease
        self.worker = worker
        """What the worker is called in results."""
        self.future = future
        self.begun: set[str] = set()
        """Keys of jobs that are not to be handed to another any more."""
        self.in_flight: set[str] = set()
        """Keys of exchanges that were sent, as far as is known, and have no answer yet."""

    def note_message(self, message: WorkerMessage) -> None:
        """Learn from a message how far it came."""
        if isinstance(message, Claimed):
            self.begun.add(message.job.key)
            self.in_flight.add(make_turn_key(message.job.key, message.turn))
        elif isinstance(message, Recorded) and message.end is not None:
            self.in_flight.discard(message.key)
        elif isinstance(message, LeftOut | FailedUnsent):
            self.begun.add(message.key)
            self.in_flight.discard(message.key)


class ClusterRun:
    """One start of a run on one cluster."""

    def __init__(
        self,
        client: Any,
        start: ClusterStart,
        tell: Callable[[MeasuringEvent], None],
        stop: StopSwitch,
    ) -> None:
        from distributed import Queue

        self._client = client
        self._work = start.work
        self._writer = start.writer
        self._tell = tell
        self._stop = stop
        self._name = f"byok-bench-{start.work.run_id}-{secrets.token_hex(4)}"
        self._queue: Any = Queue(self._name, client=client, maxsize=MOST_BUNDLES)  # type: ignore[no-untyped-call]
        self._names: dict[str, str] = {}
        """Address of a worker → what it is called in results."""
        self._out: dict[str, LeaseOut] = {}
        """Address → what its worker plays."""
        self._by_number: dict[int, LeaseOut] = {}
        self._changed = asyncio.Event()
        self._is_spent = False
        """Whether a limit was met."""
        purse = SharedPurse(Path(start.work.purse)) if start.work.purse else OwnPurse()
        self._purse = LentPurse(purse, start.work.limits, self._answer_claims)
        self._marks: dict[int, asyncio.Event] = {}

    async def play(self, blocks: Sequence[Block], documents: Sequence[dict[str, Any] | None]) -> None:
        """Play all blocks; what a lost worker had in flight is given back, and stays planned."""
        from byok_bench.runs.cluster.worker import MeasuringPlugin, Setup

        plan = msgspec.structs.replace(self._work.plan, profile="shared")
        bare = msgspec.structs.replace(self._work, plan=plan, blocks=(), states={}, purse="")
        setup = Setup(version=describe_machine()["byok_bench"], work=bare, queue=self._name)
        plugin = MeasuringPlugin(self._name, ascii_json.to_ascii(setup), list(documents))
        listening = asyncio.ensure_future(self._receive_bundles())
        playing = asyncio.ensure_future(self._play_waves(plugin, [*iterate_waves(plan, blocks)]))
        try:
            with self._stop.relay(self._finish_leases):
                await asyncio.wait((listening, playing), return_when=asyncio.FIRST_COMPLETED)
            for ended in (playing, listening):
                if ended.done():
                    ended.result()
        finally:
            playing.cancel()
            await self._purse.close()
            await asyncio.shield(self._leave())
            await asyncio.wait((listening, playing))

    @property
    def _is_ending(self) -> bool:
        """Whether nothing new is to begin."""
        return self._is_spent or self._stop.is_pressed

    async def _play_waves(self, plugin: Any, waves: Sequence[Sequence[Block]]) -> None:
        await asyncio.to_thread(self._client.register_plugin, plugin, self._name)
        for wave in waves:
            if self._is_ending:
                break
            await self._play_wave(LeaseBook(self._work.plan, wave))
        await self._wait_until_heard()

    async def _play_wave(self, book: LeaseBook) -> None:
        alone_s = 0.0
        while self._out or not (book.is_empty or self._is_ending):
            present = await asyncio.to_thread(self._list_workers)
            await self._take_back_leases(book, present)
            idle = [] if self._is_ending else [address for address in present if address not in self._out]
            leases = book.cut_leases(len(self._by_number), len(idle), len(present)) if idle else []
            for address, lease in zip(idle, leases, strict=False):
                await self._submit_lease(address, lease)
            alone_s = 0.0 if present else alone_s + LOOK_S
            if alone_s > PATIENCE_S:
                raise ByokBenchError(f"the cluster has had no worker for {PATIENCE_S:.0f} s", code="no_worker")
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOK_S)
            self._changed.clear()

    def _finish_leases(self) -> None:
        """Tell the workers to finish what is in flight, and to begin nothing new."""
        from byok_bench.runs.cluster.worker import finish_leases

        def tell_workers() -> None:
            with suppress(OSError, TimeoutError, RuntimeError, ValueError):  # one that is gone has nothing in flight
                self._client.run(finish_leases, self._name, on_error="ignore")

        self._telling = asyncio.ensure_future(asyncio.to_thread(tell_workers))

    async def _answer_claims(self, lease: int, answers: Answers) -> None:
        """Bring what claims came to, to the worker of a lease."""
        from byok_bench.runs.cluster.worker import answer_claims

        address = next((address for address, out in self._out.items() if out.lease.number == lease), None)

        def tell_worker() -> None:
            with suppress(OSError, TimeoutError, RuntimeError, ValueError):  # one that is gone waits for nothing
                self._client.run(answer_claims, self._name, lease, answers, workers=[address], on_error="ignore")

        if address is not None:
            await asyncio.to_thread(tell_worker)

    def _list_workers(self) -> list[str]:
        return sorted(self._client.nthreads())

    async def _submit_lease(self, address: str, lease: Lease) -> None:
        """Send a lease to a worker, with what it has to know of samples that were begun before."""
        from byok_bench.runs.cluster.worker import play_lease

        begun = await asyncio.to_thread(self._read_begun, lease.jobs)
        raw = msgspec.msgpack.encode(msgspec.structs.replace(lease, states=begun[0], records=begun[1]))
        loop = asyncio.get_running_loop()

        def submit() -> Any:
            key = f"{self._name}-{lease.number}"
            future = self._client.submit(
                play_lease, self._name, raw, key=key, workers=[address], allow_other_workers=False, pure=False
            )
            future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._changed.set))
            return future

        worker = self._names.setdefault(address, str(len(self._names) + 1))
        out = LeaseOut(lease, worker, None)
        self._out[address] = self._by_number[lease.number] = out
        out.future = await asyncio.to_thread(submit)

    def _read_begun(self, jobs: Sequence[Job]) -> tuple[dict[str, ExchangeState], dict[int, Record]]:
        """Rows and records of turns that an earlier start, or a lost worker, had of these jobs."""
        keys = {job.key for job in jobs}
        states = {key: one for key, one in self._work.states.items() if one.first_key in keys and one.attempt}
        if not states:
            return {}, {}
        with open_reader(self._writer.path) as db:
            found = {one.id: ledger.find_record(db, one.id) for one in states.values()}
        return states, {id_: record for id_, record in found.items() if record is not None}

    async def _take_back_leases(self, book: LeaseBook, present: Sequence[str]) -> None:
        """Take back the leases that are over, and those of workers that are gone."""
        from distributed import KilledWorker

        for address, out in list(self._out.items()):
            status = out.future.status
            if status == "finished":
                unplayed: list[Job] = []
            elif status == "error" and not isinstance(problem := out.future.exception(), KilledWorker):
                raise ByokBenchError(f"a worker of the cluster failed: {redact(str(problem))}", code="worker_failed")
            elif status in ("error", "cancelled", "lost") or address not in present:
                unplayed = await self._give_up(out)
            else:
                continue
            book.take_back(out.lease, unplayed)
            del self._out[address]

    async def _give_up(self, out: LeaseOut) -> list[Job]:
        """A worker is gone: what it had in flight is lost, maybe billed; the jobs that it had not begun."""
        await asyncio.to_thread(out.future.cancel)
        await self._wait_until_heard()
        await self._purse.give_up(out.lease.number)
        await self._writer.commit_statement(give_back_lost, self._work.run_id, sorted(out.in_flight))
        return [job for job in out.lease.jobs if job.key not in out.begun]

    async def _wait_until_heard(self) -> None:
        """Wait until everything is stored that workers have put into the queue so far."""
        mark = END - 1 - len(self._marks)
        self._marks[mark] = asyncio.Event()
        await asyncio.to_thread(self._queue.put, pack_bundle(Bundle(lease=mark, messages=[])))
        await self._marks[mark].wait()

    async def _receive_bundles(self) -> None:
        """Store what workers bring, as it comes."""
        while True:
            bundle = unpack_bundle(await self._take_from_queue())
            if bundle.lease == END:
                return
            if bundle.lease in self._marks:
                self._marks[bundle.lease].set()
            else:
                await self._take_in(self._by_number[bundle.lease], bundle.messages)

    async def _take_from_queue(self) -> bytes:
        """The next bundle, fetched in the client's own loop: a thread that waits for that one costs as much again."""

        async def take() -> bytes:
            taken: bytes = await self._queue.get()
            return taken

        fetching = asyncio.run_coroutine_threadsafe(take(), self._client.loop.asyncio_loop)
        return await asyncio.wrap_future(fetching)

    async def _take_in(self, out: LeaseOut, messages: Sequence[WorkerMessage]) -> None:
        """Store the messages of one bundle in their order, then tell what is to be told."""
        stored = []
        for message in messages:
            out.note_message(message)
            if isinstance(message, SectionMeasured):
                health = ascii_json.from_ascii(message.health, Health)
                health.worker = out.worker
                stored.append(
                    self._writer.submit(
                        circumstances.store_section,
                        self._work.run_id,
                        message.target,
                        message.stage,
                        ascii_json.to_ascii(health),
                    )
                )
            elif isinstance(message, ClaimAsked):
                self._purse.ask(out.lease.number, message)
            elif isinstance(message, ClaimSettled):
                await self._purse.put_back(out.lease.number, message)
            elif not isinstance(message, MeasuringEvent):
                stored.append(self._writer.submit(store_message, self._work.run_id, message))
        await asyncio.gather(*map(asyncio.wrap_future, stored))
        for message in messages:
            if isinstance(message, MeasuringEvent):
                self._is_spent = self._is_spent or isinstance(message, LimitMet)
                self._tell(message)

    async def _leave(self) -> None:
        """Let the workers forget the run, and give up what they have in flight."""

        def leave() -> None:
            with suppress(OSError, TimeoutError, RuntimeError, ValueError):  # the cluster may be gone
                self._client.cancel([out.future for out in self._out.values() if out.future is not None], force=True)
                self._client.unregister_worker_plugin(self._name)
                self._queue.put(pack_bundle(Bundle(lease=END, messages=[])))

        await asyncio.to_thread(leave)
