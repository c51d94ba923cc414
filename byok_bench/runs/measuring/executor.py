"""Execution: blocks of jobs → stored records, in this process. The only place of a run that sends.

Between two stamps nothing is parsed: an answer is read here only where the next turn or a retry depends on it.
Judging comes later (runs/judging.py).
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.rate_limit_waits import RateLimitWaits
from byok_bench.endpoints.send import send
from byok_bench.errors import EndpointError, SecretError
from byok_bench.runs.judging import read_exchange
from byok_bench.runs.measuring.clean_records import store_clean_attempt
from byok_bench.runs.measuring.recovery import LONGEST_WAIT_S, is_recovery_needed, wait_for_recovery
from byok_bench.runs.measuring.shared_purse import SharedPurse
from byok_bench.runs.measuring.timed_sections import Health, describe_machine, time_section
from byok_bench.runs.measuring.work import Work, make_finished_event
from byok_bench.runs.planning.blocks import Block
from byok_bench.runs.planning.budgets import Budget, LimitReached, Purse
from byok_bench.runs.planning.exclusions import find_job_exclusion
from byok_bench.runs.planning.load_patterns import OpenLoad, compute_intended_starts
from byok_bench.runs.planning.plan import (
    Job,
    build_job_body,
    find_target_model,
    get_job_task,
    make_turn_key,
)
from byok_bench.runs.planning.retries import choose_retry_delay
from byok_bench.runs.progress import MeasuringEvent, Waiting
from byok_bench.runs.storage import ascii_json, circumstances, ledger
from byok_bench.runs.storage.ledger import ExchangeEnd, ExchangeState
from byok_bench.runs.storage.owner import name_this_process
from byok_bench.runs.storage.result_file import StatementTaker
from byok_bench.scenarios.agent import TurnRequest, play_sample
from byok_bench.scenarios.send_arguments import make_send_arguments
from byok_bench.wire.client import Client
from byok_bench.wire.failures import Failure
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.raw_exchange import RawExchange

GIVE_UP_AFTER: Final = 3
"""Connections in a row that failed on a target that never answered: then its other jobs fail unsent."""
UNREACHED: Final = ("dns", "connect", "tls")


class ClaimConflict(Exception):
    """Another process has this exchange; it stores the result."""


class RunEnding(Exception):
    """Nothing new is to begin; what was not sent yet stays planned."""


class UnsentFailure(Exception):
    """The exchange failed before anything was sent; the row says why."""


class Executor:
    """Plays jobs against endpoints and stores what came back."""

    def __init__(
        self,
        work: Work,
        endpoints: Sequence[Endpoint],
        writer: StatementTaker,
        client: Client,
        tell: Callable[[MeasuringEvent], None],
        purse: Purse | None = None,
    ) -> None:
        """`endpoints` stand beside the plan's targets. `tell` hears of each stored exchange, and of each wait.

        `purse`: what is spent from where the file that the work names is out of reach.
        """
        self._work = work
        self._plan = plan = work.plan
        self._endpoints = endpoints
        self._writer = writer
        self._run_id = work.run_id
        self._stored = work.states
        self._client = client
        self._send_body = partial(send, profile=plan.profile, client=client, policy=work.policy)
        self._tell = tell
        if purse is None and work.purse:
            purse = SharedPurse(Path(work.purse))
        self._budget = Budget(work.limits, endpoints, [target.model for target in plan.targets], purse)
        self._owner = name_this_process()
        self._dice = random.Random(f"retries {plan.seed}")
        self._unreached = [0] * len(plan.targets)
        self._answered = [False] * len(plan.targets)
        self._ending = asyncio.Event()
        self._holds = RateLimitWaits(
            len(plan.targets), lambda target, s: self._report_wait(target, "as its 429 asked", s), self._sleep
        )
        self._busy: set[int] = set()
        """Targets that an over-long prompt of ours may still keep busy."""
        self._lost: set[int] = set()
        """Targets that did not answer again within the bound: they are not waited for twice."""

    @property
    def limit_reached(self) -> str:
        """The limit that the next request could pass; empty while there is none."""
        return self._budget.reached

    @property
    def has_to_end(self) -> bool:
        """Nothing new begins any more."""
        return bool(self.limit_reached) or self._ending.is_set()

    def finish(self) -> None:
        """Let what is in flight finish, and begin nothing new."""
        self._ending.set()

    async def play_block(self, block: Block, begin_ns: int | None = None, share: tuple[int, int] = (0, 1)) -> Health:
        """Play the jobs of one block. `share` is (which, of how many) processes; `begin_ns` their common start."""
        which, of = share
        health = Health(target=block.target, stage=block.stage, machine=describe_machine())
        with time_section(health, self._client.lag), raise_first_error():
            if isinstance(block.load, OpenLoad):
                await self._play_open_loop(block, block.load, begin_ns, which, of)
            else:
                slots = block.load.concurrency // of + (which < block.load.concurrency % of)
                await self._play_closed_loop(block.jobs[which::of], slots)
        health.exchanges = len(block.jobs[which::of])
        if block.target in self._busy:
            await self._wait_for_recovery(block.target)
        return health

    async def _wait_for_recovery(self, target: int) -> None:
        """What comes next must not fail for what the last prompt did."""
        self._busy.discard(target)
        if target in self._lost or self.has_to_end:
            return
        self._report_wait(target, "after an over-long prompt, until it answers again", LONGEST_WAIT_S)

        async def ask(body: dict[str, Any], timeouts: Timeouts) -> Exchange:
            model = self._plan.targets[target].model
            async with self._budget.reserve(target, body) as spending:
                self._check_going_on()
                spending.exchange = await self._send_body(self._endpoints[target], body, model, timeouts)
            return spending.exchange

        try:
            found = await wait_for_recovery(target, self._plan.targets[target].schema, ask, LONGEST_WAIT_S)
        except (LimitReached, RunEnding):
            return
        if not found.answered:
            self._lost.add(target)
        await self._writer.commit_statement(
            circumstances.store_recovery, self._run_id, target, ascii_json.to_ascii(found)
        )

    async def _play_closed_loop(self, jobs: Sequence[Job], slots: int) -> None:
        waiting = deque(jobs)

        async def worker() -> None:
            while waiting and not self.has_to_end:
                await self._play_job(waiting.popleft())

        async with asyncio.TaskGroup() as group:
            for _ in range(min(slots, len(jobs))):
                group.create_task(worker())

    async def _play_open_loop(self, block: Block, load: OpenLoad, begin_ns: int | None, which: int, of: int) -> None:
        seed = f"arrivals {self._plan.seed} {block.stage} {block.target}"
        begin = begin_ns if begin_ns is not None else time.perf_counter_ns()
        starts = compute_intended_starts(load, len(block.jobs), seed)[which::of]
        async with asyncio.TaskGroup() as group:
            with suppress(RunEnding):
                for job, offset in zip(block.jobs[which::of], starts, strict=True):
                    if self.has_to_end:
                        break
                    ahead = begin + offset - time.perf_counter_ns()
                    if ahead > 0:
                        await self._sleep(ahead / 1e9)
                    waited = await self._holds.wait(block.target)
                    begin += waited  # the whole schedule moves: what was held back must not come as a burst
                    group.create_task(self._play_job(job, begin + offset, waited))

    async def _play_job(self, job: Job, intended_ns: int | None = None, waited_ns: int = 0) -> None:
        scenario = self._plan.get_scenario(job.scenario)
        why = find_job_exclusion(self._plan, job)
        if why is not None:
            await self._writer.commit_statement(ledger.leave_out, self._run_id, job.key, why)
            self._report_finished(job, 1, True, None)
            return
        sent: list[Exchange] = []

        async def send_turn(request: TurnRequest) -> Exchange:
            turn = request.turn
            stored = self._stored.get(make_turn_key(job.key, turn))
            if stored is not None and stored.status in ledger.FINAL:
                return await self._read_stored_turn(job, stored)
            if sent:
                self._report_finished(job, turn - 1, False, sent[-1].raw)
            first = (intended_ns, waited_ns) if turn == 1 else (None, 0)
            exchange = await self._send_with_retries(job, request, *first)
            sent.append(exchange)
            return exchange

        try:
            turns = await play_sample(
                scenario,
                scenario.get_sample(job.sample),
                self._plan.targets[job.target].schema,
                build_job_body(self._plan, job),
                send_turn,
                find_target_model(self._plan, job.target),
            )
        except (ClaimConflict, LimitReached, RunEnding):
            return
        except UnsentFailure:
            self._report_finished(job, len(sent) + 1, True, None)
            return
        self._report_finished(job, len(turns), True, turns[-1].raw)

    async def _send_with_retries(
        self, job: Job, request: TurnRequest, intended_ns: int | None, waited_ns: int
    ) -> Exchange:
        """One answer, with as many attempts as the plan allows. `waited_ns` was waited for it already."""
        turn = request.turn
        key = make_turn_key(job.key, turn)
        state = self._stored.get(key)
        attempt = state.attempt if state is not None else 0
        if self._unreached[job.target] >= GIVE_UP_AFTER and not self._answered[job.target]:
            why = f"not tried: the last {GIVE_UP_AFTER} connections failed, and none ever succeeded"
            await self._fail(key, "network", "connect", why)
        tries = 0
        while True:
            attempt, tries = attempt + 1, tries + 1
            waited_ns += await self._holds.wait(job.target)
            waited_ms = waited_ns / 1e6 if waited_ns else None
            async with self._budget.reserve(job.target, request.body) as spending:
                self._check_going_on()
                if not await self._writer.commit_statement(
                    ledger.claim_attempt, self._run_id, job, turn, attempt, self._owner, waited_ms, request.client_ms
                ):
                    raise ClaimConflict
                exchange = spending.exchange = await self._send(job, key, request)
            if intended_ns is not None:
                exchange.raw.phases.start = intended_ns
            self._note_reach(job.target, exchange.raw)
            failure = self._find_failure(exchange)
            self._holds.note(job.target, failure)
            if get_job_task(self._plan, job).has_overlong_prompt and is_recovery_needed(exchange.raw):
                self._busy.add(job.target)
            delay, why = choose_retry_delay(failure, tries, self._plan.retries, self._dice)
            end = None
            if delay is None:
                kind, phase = (failure.kind, failure.phase) if failure else (None, None)
                end = ExchangeEnd(status="failed" if failure else "done", kind=kind, phase=phase, why=why)
            await self._writer.commit_statement(store_clean_attempt, self._run_id, key, attempt, exchange.raw, end)
            if delay is None:
                return exchange
            await self._sleep(delay)

    def _check_going_on(self) -> None:
        if self._ending.is_set():
            raise RunEnding

    async def _sleep(self, seconds: float) -> None:
        """Raises RunEnding as soon as nothing new is to begin."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        self._check_going_on()

    def _find_failure(self, exchange: Exchange) -> Failure | None:
        """The failure as far as it is known without reading a stream; read, too, where a retry depends on it."""
        head = exchange.raw.head
        refused = head is not None and head.status >= 300
        return exchange.error if refused or self._plan.retries.attempts > 1 else exchange.raw.failure

    async def _send(self, job: Job, key: str, request: TurnRequest) -> Exchange:
        endpoint, model = self._endpoints[job.target], self._plan.targets[job.target].model
        wanted = make_send_arguments(endpoint, model, get_job_task(self._plan, job), request)
        try:
            return await self._send_body(**wanted, timeouts=self._plan.timeouts)
        except SecretError as error:
            await self._fail(key, "auth", "config", str(error))
        except EndpointError as error:
            await self._fail(key, "invalid_request", "config", str(error))

    async def _fail(self, key: str, kind: str, phase: str, why: str) -> NoReturn:
        await self._writer.commit_statement(ledger.fail_unsent, self._run_id, key, kind, phase, why)
        raise UnsentFailure

    async def _read_stored_turn(self, job: Job, stored: ExchangeState) -> Exchange:
        record = await self._writer.commit_statement(ledger.find_record, stored.id)
        if record is None:
            raise UnsentFailure
        return read_exchange(self._plan.targets[job.target], record)

    def _report_finished(self, job: Job, turn: int, last: bool, raw: RawExchange | None) -> None:
        self._tell(make_finished_event(self._work, job, turn, last, raw))

    def _report_wait(self, target: int, why: str, at_most_s: float) -> None:
        name = self._plan.targets[target].name
        self._tell(Waiting(run_id=self._run_id, target=name, why=why, at_most_s=at_most_s))

    def _note_reach(self, target: int, raw: RawExchange) -> None:
        if raw.failure is not None and raw.failure.phase in UNREACHED and raw.failure.kind in ("network", "timeout"):
            self._unreached[target] += 1
        else:
            self._unreached[target] = 0
            self._answered[target] = True


@contextmanager
def raise_first_error() -> Iterator[None]:
    """What broke a group of tasks, as it was raised; the others were cancelled for it."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
