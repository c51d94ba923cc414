"""Rounds: the blocks of a run, part by part, where it is looked at between two of them and may end early.

A round is what stands before the next repeat of what is meant to be answered. Error scenarios are a round of their own,
the last: they are played whether or not the rest was needed.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from byok_bench.runs.planning.blocks import Block
from byok_bench.runs.planning.plan import Job, Plan

ENOUGH: Final = "not needed any more: what was asked is decided"
"""Why a sample is left out of a run that ended early."""


def split_rounds(plan: Plan, blocks: Sequence[Block]) -> list[list[Block]]:
    """Consecutive blocks of one repeat together; warm-up with the first."""
    rounds: list[list[Block]] = []
    before: tuple[bool, int, int] | None = None
    for block in blocks:
        mistakes = plan.get_scenario(block.jobs[0].scenario).wants_failure
        place = (
            (mistakes, 0, 0) if mistakes else (mistakes, block.stage, max(1, *(job.repeat for job in block.jobs), 1))
        )
        if place != before:
            rounds.append([])
        before = place
        rounds[-1].append(block)
    return rounds


def separate_agent_jobs(plan: Plan, rounds: Sequence[Sequence[Block]]) -> tuple[list[Job], list[list[Block]]]:
    """The jobs of rounds that are meant to be answered, and the rounds without them."""
    dropped: list[Job] = []
    left = []
    for blocks in rounds:
        kept = []
        for block in blocks:
            mistakes = tuple(job for job in block.jobs if plan.get_scenario(job.scenario).wants_failure)
            dropped += [job for job in block.jobs if job not in mistakes]
            if mistakes:
                kept.append(msgspec.structs.replace(block, jobs=mistakes))
        if kept:
            left.append(kept)
    return dropped, left
