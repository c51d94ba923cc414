"""A run whose rows are written out by hand: no store, no server."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support.nine import NINE

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.measuring.recovery import Recovery
from byok_bench.runs.measuring.timed_sections import Health
from byok_bench.runs.planning.load_patterns import ClosedLoad, Load
from byok_bench.runs.planning.plan import Plan, PlanSettings, make_plan
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.runs.storage.run_rows import StoredRun


class MadeRun(Run):
    """Rows, plan and health as given."""

    def __init__(
        self,
        rows: Sequence[Row],
        plan: Plan,
        health: Sequence[Health] = (),
        status: str = "finished",
        note: str = "",
    ) -> None:
        super().__init__(
            Path("nowhere.sqlite"),
            StoredRun(
                id="made",
                created="2026-01-02T03:04:05+00:00",
                plan_hash="",
                status=status,
                reason=note,
                finished=None,
            ),
        )
        self._made = list(rows)
        self.plan = plan
        self.health = list(health)
        self.billed = 0
        self.waits: list[Recovery] = []

    @property
    def rows(self) -> list[Row]:
        return self._made

    def _read_rows(self, only: range | None) -> Iterator[Row]:
        yield from self.rows

    def has_many(self, count: int) -> bool:
        return len(self._made) >= count

    @property
    def states(self) -> Counter[str]:
        return Counter(row.status for row in self.rows)

    @property
    def is_abandoned(self) -> bool:
        return False

    @property
    def maybe_billed(self) -> int:
        return self.billed

    @property
    def recoveries(self) -> list[Recovery]:
        return self.waits

    def find_exchange(self, exchange_id: int) -> None:
        return None


def plan(
    labels: Sequence[str] = ("one", "two"),
    loads: Sequence[Load] = (ClosedLoad(),),
    models: Sequence[str] = ("m",),
    **endpoint: Any,
) -> Plan:
    """A plan over the whole library with these endpoints."""
    endpoints = [
        Endpoint(
            label=label, base_url=f"http://127.0.0.1:{8000 + n}/v1", models=[Model(name) for name in models], **endpoint
        )
        for n, label in enumerate(labels)
    ]
    return make_plan(endpoints, NINE, PlanSettings(repeats=3, loads=tuple(loads), warmup=0))


def row(scenario: str = "plain-answer", repeat: int = 1, target: int = 0, **more: Any) -> Row:
    """A good row; `more` says what is otherwise."""
    fields: dict[str, Any] = {
        "exchange_id": 0, "target": target, "stage": 0, "scenario": scenario, "sample": "s", "repeat": repeat,
        "turn": 1, "status": "done", "attempt": 1, "outcome": "ok", "http_status": 200, "streamed": True,
        "clock": "kernel", "chunks": 3,
    }  # fmt: skip
    return Row(**(fields | more))


def failed(kind: str = "server", **more: Any) -> Row:
    """A row without a good answer."""
    wanted = {
        "status": "failed",
        "kind": kind,
        "phase": "body",
        "outcome": "failed",
        "message": "boom",
        "http_status": 500,
    }
    return row(**(wanted | more))
