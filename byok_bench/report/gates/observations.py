"""Observation: what gates need to know of one exchange, of a run and of a baseline alike. No body, no key, no text."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec

from byok_bench.report.gates.metrics import NUMBERS
from byok_bench.report.shared_values import SharedValues
from byok_bench.report.stats import compute_quantile
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

DIGITS: Final = 3


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One exchange that was asked, or is still to be."""

    endpoint: str
    """Label."""
    model: str
    """Alias, or name without one."""
    scenario: str
    sample: str
    repeat: int
    turn: int
    load: str
    numbers: dict[str, float] = {}
    """Key of NUMBERS → value, of answers that did not fail."""
    kind: str | None = None
    """Of its failure."""
    outcome: str | None = None
    """Of the sample; on its last turn."""
    is_mistake: bool = False
    """It belongs to an error scenario."""
    has_tools: bool = False
    """Its scenario offers tools."""
    calls: int = 0
    valid_calls: int = 0
    findings: dict[str, str] = {}
    """Rule → severity."""
    is_open: bool = False
    """It is still to be played."""

    @property
    def prompt(self) -> tuple[str, str, int]:
        """What was asked: repeats of it are not independent."""
        return self.scenario, self.sample, self.turn

    @property
    def place(self) -> tuple[str, str, str, str, int, int, str]:
        """By what two sides are paired; the address is not in it."""
        return self.endpoint, self.model, self.scenario, self.sample, self.repeat, self.turn, self.load


def list_observations(run: Run, numbers: Collection[str] = tuple(NUMBERS)) -> list[Observation]:
    """Every exchange of a run that gates look at: no warm-up, none that was left out or that we caused to fail.

    `numbers`: those of NUMBERS that are wanted. What many exchanges have alike is held once.
    """
    tools = {one.name for one in run.plan.scenarios if one.has_tools}
    shared = SharedValues()
    return [
        _make_observation(run, row, row.scenario in tools, numbers, shared)
        for row in run.iterate_rows()
        if not row.is_warmup and row.status != "left_out" and not row.caused_by_us
    ]


def _make_observation(
    run: Run, row: Row, has_tools: bool, numbers: Collection[str], shared: SharedValues
) -> Observation:
    target = run.plan.targets[row.target]
    findings = tuple((found.check, found.severity) for found in row.findings)
    return Observation(
        endpoint=target.label,
        model=target.alias or target.model,
        scenario=shared.find(row.scenario),
        sample=shared.find(row.sample),
        repeat=row.repeat,
        turn=row.turn,
        load=run.plan.loads[row.stage].name,
        numbers=dict(_iterate_numbers(row, numbers)) if row.kind is None else {},
        kind=shared.find(row.kind),
        outcome=shared.find(row.outcome),
        is_mistake=row.wants_failure,
        has_tools=has_tools,
        calls=len(row.tool_calls),
        valid_calls=row.valid_calls,
        findings=shared.find(dict(findings), findings),
        is_open=row.status in ("planned", "sent"),
    )


def _iterate_numbers(row: Row, names: Collection[str]) -> Iterator[tuple[str, float]]:
    for name in names:
        value = _find_number(row, name)
        if value is not None:
            yield name, round(value, DIGITS if name != "cost" else 2 * DIGITS)


def _find_number(row: Row, name: str) -> float | None:
    if name == "itl_ms":
        return compute_quantile(row.itl_ms, 0.5)
    if name == "packed_percent":
        return 100 * row.itl_ms.count(0) / len(row.itl_ms) if row.itl_ms else None
    if name == "tokens_per_s":
        # Where most deltas came in packets, a gap says nothing of the speed.
        flowed = 2 * sum(gap > 0 for gap in row.itl_ms) > len(row.itl_ms)
        return 1000 / row.tpot_ms if row.tpot_ms and row.tpot_ms > 0 and flowed else None
    value: float | None = getattr(row, "late_ms" if name == "wait_ms" else name)
    return value


def has_counted(observation: Observation, column: str) -> bool:
    """Whether an exchange has what a count counts: a failure, or a finding."""
    group, _, rest = column.partition(".")
    if group == "failures":
        return observation.kind is not None and rest in ("", observation.kind)
    of, _, which = rest.partition(".")
    return which in (observation.findings.values() if of == "severity" else observation.findings)


def list_shares(observation: Observation, column: str) -> Sequence[bool]:
    """What one exchange adds to a share: nothing, or one value; for tool calls one a call."""
    if column == "tools.valid":
        return [number < observation.valid_calls for number in range(observation.calls)]
    if column == "tools.called":
        is_asked = observation.has_tools and observation.turn == 1 and observation.kind is None
        return [observation.calls > 0] if is_asked else []  # a failure is not "did not call"
    if column.startswith("outcome."):
        fits = observation.is_mistake == (column == "outcome.refused_well")
        return [observation.outcome == "ok"] if fits and observation.outcome is not None else []
    return [] if observation.is_mistake else [has_counted(observation, column)]
