"""The order of the work: what is tried after what, so that drift of machine and network hits all targets alike.

A block is what one target gets before the next target's turn. With one request at a time a block is one sample, so
every repeat visits every target within a sample's time. With more in flight a block holds enough repeats to keep
them busy. An open loop is one block for each target: its rate has to stand for a while. Targets are shuffled within
each round, samples within each repeat; the seed decides.

Error scenarios come after everything that is meant to be answered, and over-long prompts last of all, one at a time
whatever the load: what they do to a server must not show in the measurements.
"""

import random
from collections.abc import Iterator, Sequence

import msgspec

from byok_bench.runs.planning.load_patterns import ClosedLoad, Load
from byok_bench.runs.planning.plan import Job, Plan


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one target that run under one load, before another target's turn."""

    target: int
    stage: int
    load: Load
    jobs: tuple[Job, ...]


def make_warmup_blocks(plan: Plan, start: str) -> list[Block]:
    """A block of single requests for each target: the first scenario that is meant to be answered.

    `start` names this start of the run: a resumed one warms up again.
    """
    scenario = next((scenario for scenario in plan.scenarios if not scenario.wants_failure), None)
    if scenario is None or plan.warmup == 0:
        return []
    sample = scenario.samples[0].name
    return [
        Block(
            target=target,
            stage=0,
            load=ClosedLoad(),
            jobs=tuple(
                Job(
                    key=f"warmup-{start}-{target}-{number}",
                    target=target,
                    scenario=scenario.name,
                    sample=sample,
                    repeat=0,
                    stage=0,
                )
                for number in range(plan.warmup)
            ),
        )
        for target in range(len(plan.targets))
    ]


def order_jobs(plan: Plan, jobs: Sequence[Job]) -> list[Block]:
    """All jobs, in blocks, in the order in which they run."""
    dice = random.Random(f"order {plan.seed}")
    parts: tuple[list[Job], list[Job], list[Job]] = [], [], []
    for job in jobs:
        scenario = plan.get_scenario(job.scenario)
        parts[scenario.wants_failure + scenario.has_overlong_prompt].append(job)
    answered, refused, over_long = (_make_blocks(plan, part, dice) for part in parts)
    alone = [msgspec.structs.replace(block, jobs=(job,)) for block in over_long for job in block.jobs]
    return [*answered, *refused, *alone]


def _make_blocks(plan: Plan, jobs: Sequence[Job], dice: random.Random) -> list[Block]:
    """Blocks of one part of a run, stage by stage."""
    blocks: list[Block] = []
    for stage, load in enumerate(plan.loads):
        mine = [job for job in jobs if job.stage == stage]
        for wave in _iterate_waves(mine, load, plan, dice):
            targets = list(range(len(plan.targets)))
            dice.shuffle(targets)
            for target in targets:
                chosen = tuple(job for job in wave if job.target == target)
                if chosen:
                    blocks.append(Block(target=target, stage=stage, load=load, jobs=chosen))
    return blocks


def _iterate_waves(jobs: Sequence[Job], load: Load, plan: Plan, dice: random.Random) -> Iterator[list[Job]]:
    """Parts of a stage that every target finishes before the next part begins."""
    samples = list(dict.fromkeys((job.scenario, job.sample) for job in jobs))
    by_repeat: dict[int, list[Job]] = {}
    for job in jobs:
        by_repeat.setdefault(job.repeat, []).append(job)
    wave: list[Job] = []
    for repeat in sorted(by_repeat):
        dice.shuffle(samples)
        rank = {sample: position for position, sample in enumerate(samples)}
        ordered = sorted(by_repeat[repeat], key=lambda job: rank[(job.scenario, job.sample)])
        if isinstance(load, ClosedLoad) and load.concurrency == 1:
            for sample in samples:
                yield [job for job in ordered if (job.scenario, job.sample) == sample]
            continue
        wave += ordered
        if isinstance(load, ClosedLoad) and len(wave) >= 2 * load.concurrency * len(plan.targets):
            yield wave
            wave = []
    if wave:
        yield wave
