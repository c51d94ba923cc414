"""What one measuring process has to play, and the event by which it tells of each exchange."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from byok_bench.runs.planning.blocks import Block
from byok_bench.runs.planning.budgets import Limits
from byok_bench.runs.planning.plan import Job, Plan
from byok_bench.runs.progress import ExchangeFinished
from byok_bench.runs.storage.ledger import ExchangeState
from byok_bench.wire.raw_exchange import RawExchange

Transport = Literal["own", "httpx"]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What one process has to play."""

    run_id: str
    plan: Plan
    blocks: tuple[Block, ...]
    states: dict[str, ExchangeState]
    """Rows as they stand, by plan key."""
    transport: Transport = "own"
    policy: Mapping[str, Any] | None = None
    limits: Limits = Limits()
    """What may be asked for."""
    purse: str = ""
    """File by which all rounds and processes of one start hold the limits together; empty where there are none."""


def make_finished_event(work: Work, job: Job, turn: int, last: bool, raw: RawExchange | None) -> ExchangeFinished:
    """The event of one stored exchange, from the transport's marks alone."""
    phases = raw.phases if raw is not None else None
    written = phases.written if phases else None
    return ExchangeFinished(
        run_id=work.run_id,
        target=work.plan.targets[job.target].name,
        scenario=job.scenario,
        sample=job.sample,
        repeat=job.repeat,
        turn=turn,
        stage=work.plan.loads[job.stage].name,
        is_warmup=job.is_warmup,
        last=last,
        wants_failure=work.plan.get_scenario(job.scenario).wants_failure,
        http_status=raw.head.status if raw is not None and raw.head is not None else None,
        kind=raw.failure.kind if raw is not None and raw.failure is not None else None,
        ttfb_ms=_to_ms(written, phases.first_byte if phases else None),
        e2e_ms=_to_ms(written, (phases.done or phases.end) if phases else None),
    )


def _to_ms(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else (end - start) / 1e6
