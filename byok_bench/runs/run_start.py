"""One start of a run: the plan is opened or found again, its blocks are played in rounds, and it is told how it ended.

What was measured is kept, however it ends. What a process or a worker that went away has left is taken over.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from byok_bench.errors import StoreError
from byok_bench.redact import redact
from byok_bench.redact.logs import list_remembered_secrets
from byok_bench.runs.cluster.cluster_run import ClusterStart
from byok_bench.runs.cluster.driver import measure_on_cluster
from byok_bench.runs.measuring.context_windows import ask_windows, take_over_windows
from byok_bench.runs.measuring.pipe_messages import Start, resolve_secrets
from byok_bench.runs.measuring.process import is_in_notebook, measure_in_process, measure_in_workers
from byok_bench.runs.measuring.session import measure_in_this_process
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.measuring.work import Work
from byok_bench.runs.planning.blocks import Block, make_warmup_blocks, order_jobs
from byok_bench.runs.planning.plan import Job, Plan
from byok_bench.runs.planning.rounds import ENOUGH, separate_agent_jobs, split_rounds
from byok_bench.runs.play_settings import PlaySettings
from byok_bench.runs.progress import (
    ExchangeFinished,
    LimitMet,
    Listener,
    MeasuringEvent,
    RunFinished,
    RunStarted,
)
from byok_bench.runs.results import Run, judge_run
from byok_bench.runs.resumption import (
    Intent,
    OpenedRun,
    list_half_played,
    list_open_jobs,
    open_run,
    reclaim_orphans,
)
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.ledger import ExchangeState
from byok_bench.runs.storage.owner import name_this_process
from byok_bench.runs.storage.result_file import StoreWriter, open_reader
from byok_bench.runs.storage.run_rows import RunLabels

STOPPED: Final = "stopped: what was in flight was finished"
PEER_POLL_S: Final = 0.2
"""How often a run that is shared with another process is looked at."""


_DRIVEN: Final[set[str]] = set()
"""Runs that this process drives now."""


def is_driven_here(run_id: str) -> bool:
    """Whether a start of this run goes on in this process."""
    return run_id in _DRIVEN


class RunStart:
    """One start of a run."""

    def __init__(
        self,
        intents: Sequence[Intent],
        unusable: Sequence[str],
        path: Path,
        listener: Listener,
        means: PlaySettings,
    ) -> None:
        """`intents`: what may be gone on with, in this order; a new run is one of the last."""
        self._intents = intents
        self._unusable = tuple(unusable)
        self._path = path
        self._listener = listener
        self._means = means
        self._stop = means.stop or StopSwitch()
        self._run_id = ""
        self._done = 0
        self._samples = 0
        self._limit = ""
        """The limit that was met."""
        self._purse = ""
        """File of what this start has spent, over all its rounds; empty without limits."""
        self._looked_at: set[tuple[str, int]] = set()

    async def run(self, resume: str | bool, labels: RunLabels) -> Run:
        writer = StoreWriter(self._path)
        try:
            opening = writer.submit(open_run, self._intents, resume, labels)
            try:
                found = await asyncio.shield(asyncio.wrap_future(opening))
                self._run_id = found.run_id
                _DRIVEN.add(self._run_id)
                with ExitStack() as stack:
                    stack.enter_context(self._stop.enable())
                    if self._means.limits.is_set:
                        folder = stack.enter_context(TemporaryDirectory(prefix="byok-bench-"))
                        self._purse = str(Path(folder) / "purse")
                    await self._play(writer, found)
            except BaseException as error:
                if opening.exception() is None:  # a cancel does not take back that the run was opened
                    self._run_id = opening.result().run_id
                    self._mark_interrupted(writer, error)
                raise
            stopped = [f"stopped by the limit of {self._limit}"] if self._limit else []
            if self._stop.is_pressed and self._list_jobs_left(found):
                await writer.commit_statement(ledger.give_back_owned, self._run_id, name_this_process())
                stopped = [STOPPED]
            left = "; ".join([*stopped, *(self._unusable if found.intent.idle else ())])
            if left:
                await writer.commit_statement(run_rows.set_status, self._run_id, "interrupted", left)
            else:
                await writer.commit_statement(run_rows.finish_run, self._run_id)
        finally:
            _DRIVEN.discard(self._run_id)
            writer.close()
        result = await judge_run(Run.open(self._run_id, self._path))
        self._report_end("interrupted" if left else "finished", left)
        return result

    async def _play(self, writer: StoreWriter, found: OpenedRun) -> None:
        plan = found.intent.plan
        self._endpoints = [found.intent.endpoints[target.endpoint] for target in plan.targets]
        self._jobs = [job for job in found.intent.jobs if not found.intent.is_idle(job.target)]
        todo = list_open_jobs(plan, self._jobs, found.states)
        plan = await self._learn_windows(writer, plan, todo)
        busy = {job.target for job in todo}
        warming = [block for block in make_warmup_blocks(plan, secrets.token_hex(4)) if block.target in busy]
        warmups = sum(len(block.jobs) for block in warming)
        self._samples = len(self._jobs) + warmups
        self._done = len(self._jobs) - len(todo)
        self._report_start(found, warmups)
        for block in warming:
            await writer.commit_statement(ledger.add_jobs, self._run_id, block.jobs)
        blocks, states = [*warming, *order_jobs(plan, todo)], found.states
        rounds = [blocks] if self._means.until is None else split_rounds(plan, blocks)
        while rounds and rounds[0]:
            await self._measure(self._make_work(plan, states, rounds.pop(0)), writer)
            if self._limit or self._stop.is_pressed:
                return
            if rounds and self._means.until is not None and await self._ask(self._means.until):
                rounds = await self._leave_out_rest(writer, plan, rounds)
            if not rounds:
                rounds = [order_jobs(plan, await self._take_over_from_others(writer, plan))]
                states = self._read_states()

    def _list_jobs_left(self, found: OpenedRun) -> list[Job]:
        return list_open_jobs(found.intent.plan, self._jobs, self._read_states())

    def _make_work(self, plan: Plan, states: dict[str, ExchangeState], blocks: Sequence[Block]) -> Work:
        return Work(
            run_id=self._run_id,
            plan=plan,
            blocks=tuple(blocks),
            states=states,
            transport=self._means.transport,
            policy=self._means.policy,
            limits=self._means.limits,
            purse=self._purse,
        )

    async def _ask(self, until: Callable[[Run], bool]) -> bool:
        """Whether the run so far is enough."""
        so_far = await judge_run(Run.open(self._run_id, self._path))
        return await asyncio.to_thread(until, so_far)

    async def _leave_out_rest(
        self, writer: StoreWriter, plan: Plan, rounds: Sequence[Sequence[Block]]
    ) -> list[list[Block]]:
        """What is not needed any more is not played; mistakes of a client are."""
        dropped, left = separate_agent_jobs(plan, rounds)
        for job in dropped:
            await writer.commit_statement(ledger.leave_out, self._run_id, job.key, ENOUGH)
        return left

    async def _learn_windows(self, writer: StoreWriter, plan: Plan, todo: Sequence[Job]) -> Plan:
        """How long a prompt has to be to be over-long: as an earlier start was told, else as the servers list it."""
        with open_reader(self._path) as db:
            stored = run_rows.read_stored_plan(db, self._run_id)
        known = take_over_windows(plan, stored)
        learnt = await ask_windows(known, self._endpoints, todo, self._means.policy)
        if learnt.targets != stored.targets:
            targets = msgspec.structs.replace(stored, targets=learnt.targets)
            await writer.commit_statement(run_rows.set_plan, self._run_id, targets)
        return learnt

    def _read_states(self) -> dict[str, ExchangeState]:
        with open_reader(self._path) as db:
            return {state.key: state for state in ledger.list_states(db, self._run_id)}

    async def _measure(self, work: Work, writer: StoreWriter) -> None:
        """On a cluster, or on this machine."""
        here = partial(self._measure_here, writer=writer)
        if self._means.cluster is None:
            await here(work)
        else:
            start = ClusterStart(self._means.cluster, work, self._endpoints, writer, here)
            await measure_on_cluster(start, self._relay_event, self._stop)

    async def _measure_here(self, work: Work, writer: StoreWriter) -> None:
        """In this process, beside it, or in several."""
        beside = self._means.process is True or (self._means.process == "auto" and is_in_notebook())
        if not beside and self._means.processes == 1:
            await measure_in_this_process(work, self._endpoints, writer, self._relay_event, self._stop)
            return
        start = Start(
            store=str(self._path),
            work=work,
            endpoints=tuple(self._endpoints),
            secrets=await asyncio.to_thread(resolve_secrets, self._endpoints),
            processes=self._means.processes,
        )
        await (measure_in_process if beside else measure_in_workers)(start, self._relay_event, self._stop)

    async def _take_over_from_others(self, writer: StoreWriter, plan: Plan) -> list[Job]:
        """Wait for a process that shares this run; its jobs, if it went away before they were done."""
        mine = {job.key: job for job in self._jobs}
        while True:
            await writer.commit_statement(reclaim_orphans, self._run_id)
            with open_reader(self._path) as db:
                states = [state for state in ledger.list_states(db, self._run_id) if state.first_key in mine]
            if any(state.status == "planned" for state in states):
                return [mine[state.first_key] for state in states if state.status == "planned"]
            if not any(state.status == "sent" for state in states):
                on_workers = self._means.cluster is not None
                return list_half_played(plan, self._jobs, states, self._looked_at) if on_workers else []
            await asyncio.sleep(PEER_POLL_S)

    def _report_start(self, found: OpenedRun, warmups: int) -> None:
        self._listener(
            RunStarted(
                run_id=self._run_id,
                store=str(self._path),
                samples=self._samples,
                warmups=warmups,
                stored=self._done,
                maybe_billed=found.lost,
                targets=tuple(target.name for target in found.intent.plan.targets),
                scenarios=tuple(scenario.name for scenario in found.intent.plan.scenarios),
                began=found.created,
                passed_over=found.passed_over,
                unusable=self._unusable,
            )
        )

    def _relay_event(self, event: MeasuringEvent) -> None:
        if isinstance(event, LimitMet):
            if self._limit:
                return  # each that shares the purse tells it
            self._limit = event.limit
        if not isinstance(event, ExchangeFinished):
            self._listener(event)
            return
        self._done += event.last
        self._listener(msgspec.structs.replace(event, done=self._done, samples=self._samples))

    def _mark_interrupted(self, writer: StoreWriter, error: BaseException) -> None:
        """What is in flight is given back as lost; the rest stays as it is."""
        note = "cancelled" if isinstance(error, asyncio.CancelledError) else f"{type(error).__name__}: {error}"
        note = redact(note, list_remembered_secrets())  # it is kept in the file
        writer.submit(ledger.give_back_owned, self._run_id, name_this_process())
        writer.submit(reclaim_orphans, self._run_id)
        with suppress(StoreError):  # a full disk takes no word of it either: the process that is gone tells then
            writer.submit(run_rows.set_status, self._run_id, "interrupted", note).result()
        self._report_end("interrupted", note)

    def _report_end(self, status: str, note: str) -> None:
        self._listener(
            RunFinished(run_id=self._run_id, status=status, done=self._done, samples=self._samples, note=note)
        )
