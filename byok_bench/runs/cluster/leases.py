"""Who plays what: slots of an endpoint are leased to workers, so that one limit holds over all of them.

A limit in each worker would multiply by their number. A lease is jobs of one target and so many slots to play them
with; over all leases of an endpoint the slots never exceed what the plan allows. No cluster, no clock in here.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import msgspec

from byok_bench.runs.planning.blocks import Block
from byok_bench.runs.planning.load_patterns import ClosedLoad, OpenLoad
from byok_bench.runs.planning.plan import Job, Plan
from byok_bench.runs.storage.ledger import ExchangeState
from byok_bench.runs.storage.records import Record

MOST_SLOTS: Final = 64
"""In flight in one worker: one loop in Python keeps its stamps up to there (docs/benchmarks.md)."""
DEPTH: Final = 16
"""Jobs for each slot of a lease, at most: at the end of a lease slots run empty."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker is to play, and with how many slots."""

    number: int
    block: Block
    slots: int
    share: tuple[int, int] = (0, 1)
    """Of an open loop, which every worker plays its part of."""
    states: dict[str, ExchangeState] = {}
    """Rows of samples that were begun before, by plan key."""
    records: dict[int, Record] = {}
    """Of their turns, by the row's id."""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Those of this worker."""
        which, of = self.share
        return self.block.jobs[which::of]


def iterate_waves(plan: Plan, blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks that may be played at the same time. Mistakes come after what is to be answered, over-long prompts last,
    and load stages one after the other, as in a run on one machine.
    """

    def get_wave(block: Block) -> tuple[bool, int, bool, bool]:
        scenario = plan.get_scenario(block.jobs[0].scenario)
        is_warmup = block.jobs[0].is_warmup
        return is_warmup, block.stage, scenario.wants_failure, scenario.has_overlong_prompt

    for _, wave in groupby(blocks, get_wave):
        yield list(wave)


class LeaseBook:
    """The jobs of one wave, and the slots that are out."""

    def __init__(self, plan: Plan, blocks: Sequence[Block]) -> None:
        self._plan = plan
        self._open: dict[int, deque[Job]] = {}
        self._load = {block.target: block.load for block in blocks}
        self._stage = {block.target: block.stage for block in blocks}
        self._out: dict[int, int] = {}
        """Endpoint → slots that are leased."""
        for block in blocks:
            self._open.setdefault(block.target, deque()).extend(block.jobs)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to lease."""
        return not any(self._open.values())

    def cut_leases(self, number: int, idle: int, workers: int) -> list[Lease]:
        """Leases for idle workers, of so many in all; those of a shared open loop come together. They are numbered
        from `number` on.
        """
        leases: list[Lease] = []
        for target in [target for target, jobs in self._open.items() if jobs]:
            load = self._load[target]
            if isinstance(load, OpenLoad):
                if not leases and idle == workers:
                    leases = self._split_open_loop(target, load, number, workers)
                    break
                continue
            while len(leases) < idle and self._open[target] and (slots := self._count_free(target, load, workers)):
                leases.append(self._cut_lease(target, load, number + len(leases), slots, workers))
        for lease in leases:
            # The next lease is another target's: drift of the network is to hit all alike.
            self._open[lease.block.target] = self._open.pop(lease.block.target)
        return leases

    def take_back(self, lease: Lease, unplayed: Sequence[Job] = ()) -> None:
        """Slots of a lease that is over, and jobs of it that nobody began."""
        if lease.slots:
            self._out[self._plan.targets[lease.block.target].endpoint] -= lease.slots
        self._open.setdefault(lease.block.target, deque()).extendleft(reversed(unplayed))

    def _count_free(self, target: int, load: ClosedLoad, workers: int) -> int:
        """Slots for one more lease of a target."""
        endpoint = self._plan.targets[target].endpoint
        endpoints = len({self._plan.targets[one].endpoint for one, jobs in self._open.items() if jobs})
        fair = -(-load.concurrency * endpoints // workers)
        return max(0, min(load.concurrency - self._out.get(endpoint, 0), fair, MOST_SLOTS))

    def _cut_lease(self, target: int, load: ClosedLoad, number: int, slots: int, workers: int) -> Lease:
        jobs = self._open[target]
        fair = -(-len(jobs) // (2 * workers))
        count = min(len(jobs), max(slots, min(fair, slots * DEPTH)))
        mine = tuple(jobs.popleft() for _ in range(count))
        endpoint = self._plan.targets[target].endpoint
        self._out[endpoint] = self._out.get(endpoint, 0) + slots
        block = Block(target=target, stage=self._stage[target], load=ClosedLoad(concurrency=slots), jobs=mine)
        return Lease(number=number, block=block, slots=slots)

    def _split_open_loop(self, target: int, load: OpenLoad, number: int, workers: int) -> list[Lease]:
        jobs = tuple(self._open[target])
        self._open[target].clear()
        block = Block(target=target, stage=self._stage[target], load=load, jobs=jobs)
        return [Lease(number=number + which, block=block, slots=0, share=(which, workers)) for which in range(workers)]
