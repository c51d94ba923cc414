"""The side of a cluster's worker: keys in memory, one measuring session, one lease at a time.

What a worker may call is judged by the egress profile `shared`, from the `custom_model_endpoint` document that it was
handed; the document comes once, with a plugin of the scheduler, over the cluster's own connections. Nothing of it is
in a task, a result, a log or a page of the dashboard.
"""

import asyncio
import threading
from contextlib import AsyncExitStack
from typing import Any

import msgspec
from distributed import Queue, Worker, WorkerPlugin, get_client, get_worker

from byok_bench.endpoints.contract import CustomEndpoint, decode_endpoint
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model_requests import find_named_model
from byok_bench.errors import ContractError, PlanError
from byok_bench.runs.cluster.leases import Lease
from byok_bench.runs.cluster.lent_purse import Answers, RemotePurse
from byok_bench.runs.cluster.messages import RemoteWriter
from byok_bench.runs.measuring.event_loop import find_loop_factory
from byok_bench.runs.measuring.session import MeasuringSession
from byok_bench.runs.measuring.timed_sections import describe_machine, freeze_heap
from byok_bench.runs.measuring.work import Work
from byok_bench.runs.storage import ascii_json
from byok_bench.wire.client import Client


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told once, beside the endpoints."""

    version: str
    """Of byok-bench: two versions do not measure alike."""
    work: Work
    """Without blocks: they come with leases."""
    queue: str
    """Name of the queue for what comes back."""


class MeasuringPlugin(WorkerPlugin):
    """One run on one worker: holds its endpoints with their keys until the run is over."""

    def __init__(self, name: str, setup: bytes, documents: list[dict[str, Any] | None]) -> None:
        """`documents` stand beside the plan's targets; None for one that the client plays itself."""
        self.name = name
        self._setup = setup
        self._documents = documents

    def __repr__(self) -> str:
        return f"MeasuringPlugin({self.name!r})"

    def setup(self, worker: Worker) -> None:
        """On a worker: begin to serve. Nothing is sent before a lease says so."""
        setup = ascii_json.from_ascii(self._setup, Setup)
        self._host = MeasuringHost(setup, self._documents)

    def teardown(self, worker: Worker) -> None:
        """The run is over, or was stopped: give up what is in flight, forget the keys."""
        self._host.stop()

    def finish(self) -> None:
        """Let what is in flight finish, and begin nothing new."""
        self._host.finish()

    def answer(self, lease: int, answers: Answers) -> None:
        """What the client says of claims of a lease."""
        self._host.answer(lease, answers)

    def play(self, lease: Lease) -> None:
        """Play one lease, in the thread of its task."""
        self._host.play(lease)


class MeasuringHost:
    """A loop of its own in a thread: the worker's loop has its own business."""

    def __init__(self, setup: Setup, documents: list[dict[str, Any] | None]) -> None:
        self._setup = setup
        self._documents = documents
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = threading.Event()
        self._is_finishing = False
        self._session: MeasuringSession | None = None
        """What plays a lease now."""
        self._purses: dict[int, RemotePurse] = {}
        """Number of a lease → what it spends from."""
        self._thread = threading.Thread(target=self._serve, name="byok-bench-measuring", daemon=True)

    def play(self, lease: Lease) -> None:
        """Play a lease to its end. Raises what ended it."""
        version = describe_machine()["byok_bench"]
        if self._setup.version != version:
            raise PlanError(
                f"this worker has byok-bench {version}, the client has {self._setup.version}: install one version",
                code="other_version",
            )
        if not self._began.is_set():
            self._thread.start()
            self._began.wait()
        assert self._loop is not None
        queue: Any = Queue(self._setup.queue, client=get_client())  # type: ignore[no-untyped-call]
        writer = RemoteWriter(lease.number, lease.records, queue.put)
        try:
            asyncio.run_coroutine_threadsafe(self._play(lease, writer), self._loop).result()
        finally:
            writer.close()

    def stop(self) -> None:
        """End the loop, whatever is in flight."""
        if self._loop is not None and self._began.is_set():
            self._loop.call_soon_threadsafe(self._ended.set)

    def finish(self) -> None:
        """Let what is in flight finish; this lease, and any that comes, begins nothing new."""
        self._is_finishing = True
        if self._loop is not None and self._began.is_set():
            self._loop.call_soon_threadsafe(self._finish_session)

    def answer(self, lease: int, answers: Answers) -> None:
        """Hand over what the client says of claims; those of a lease that is over are nobody's."""
        purse = self._purses.get(lease)
        if purse is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(purse.answer, answers)

    def _finish_session(self) -> None:
        if self._session is not None and self._is_finishing:
            self._session.finish()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            runner.run(self._wait_until_ended())

    async def _wait_until_ended(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            stack.enter_context(freeze_heap())  # once: a lease is short
            self._endpoints = [self._lend(stack, index, document) for index, document in enumerate(self._documents)]
            self._client = await stack.enter_async_context(
                Client(transport=self._setup.work.transport, searches_streams=False)
            )
            self._began.set()
            await self._ended.wait()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    def _lend(self, stack: AsyncExitStack, index: int, document: dict[str, Any] | None) -> Endpoint:
        """The endpoint that a document names; one that is played elsewhere is an empty place.

        How long an answer may be at most, which a limit counts with, is in the plan alone.
        """
        if document is None:
            return Endpoint(label="played by the client", base_url="")
        found = decode_endpoint(document)
        if not isinstance(found, CustomEndpoint):
            raise ContractError("a worker knows no team book: hand over the endpoint itself", code="member_invalid")
        plan = self._setup.work.plan
        target = plan.targets[index]
        planned = find_named_model(plan.endpoints[target.endpoint], target.model)
        lent = stack.enter_context(found.lend_endpoint())
        window = None if planned is None else planned.context_window_tokens
        models = tuple(msgspec.structs.replace(one, context_window_tokens=window) for one in lent.models)
        return msgspec.structs.replace(lent, models=models)

    async def _play(self, lease: Lease, writer: RemoteWriter) -> None:
        self._setup.work.states.update(lease.states)
        purse = self._purses[lease.number] = RemotePurse(writer.tell)
        session = MeasuringSession(self._setup.work, self._endpoints, writer, writer.tell, self._client, purse)
        try:
            async with session:
                self._session = session
                self._finish_session()
                await session.play([lease.block], share=lease.share)
        finally:
            del self._purses[lease.number]


def finish_leases(name: str, dask_worker: Worker) -> None:
    """Run on each worker: let the run of that name finish what is in flight."""
    plugin = dask_worker.plugins.get(name)
    if isinstance(plugin, MeasuringPlugin):
        plugin.finish()


def answer_claims(name: str, lease: int, answers: Answers, dask_worker: Worker) -> None:
    """Run on the worker that asked: what its claims came to."""
    plugin = dask_worker.plugins.get(name)
    if isinstance(plugin, MeasuringPlugin):
        plugin.answer(lease, answers)


def play_lease(name: str, lease: bytes) -> None:
    """The task: it names a run and brings jobs, and returns nothing; results come over the queue."""
    plugin = get_worker().plugins[name]
    assert isinstance(plugin, MeasuringPlugin)
    plugin.play(msgspec.msgpack.decode(lease, type=Lease))
