"""Shards: a plan cut into parts that machines play without knowing of each other; the same plan, the same keys.

What is cut are places of the plan (scenario, sample, repeat, load stage). All targets of a place fall to one shard, so
that what a comparison pairs was measured by one machine within a short time. Every shard of a plan holds as many
places as every other, give or take one, and the same ones whoever computes it.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from byok_bench.errors import PlanError

MOST_SHARDS: Final = 10_000


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a plan, of so many."""

    which: int
    """Counted from 1."""
    of: int

    def __str__(self) -> str:
        return f"{self.which}/{self.of}"


class PlannedPlace(Protocol):
    """What of a job says which shard it falls to."""

    @property
    def scenario(self) -> str: ...
    @property
    def sample(self) -> str: ...
    @property
    def repeat(self) -> int: ...
    @property
    def stage(self) -> int: ...


J = TypeVar("J", bound=PlannedPlace)


def read_shard(text: str) -> Shard:
    """`3/8`. Raises PlanError."""
    found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text.strip())
    which, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= which <= of <= MOST_SHARDS:
        raise PlanError(
            f"shard is {text!r}: write which of how many, from 1/1 to {MOST_SHARDS}/{MOST_SHARDS}, like 3/8",
            code="bad_shard",
        )
    return Shard(which=which, of=of)


def select_shard(jobs: Sequence[J], shard: Shard | None) -> list[J]:
    """The jobs that fall to a shard, in their order; all of them for None."""
    if shard is None:
        return list(jobs)
    places = {(job.scenario, job.sample, job.repeat, job.stage) for job in jobs}
    ranked = sorted(places, key=lambda place: (hashlib.sha256(repr(place).encode()).digest(), place))
    mine = set(ranked[shard.which - 1 :: shard.of])
    return [job for job in jobs if (job.scenario, job.sample, job.repeat, job.stage) in mine]
