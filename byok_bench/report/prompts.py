"""Prompts of a run: what was put to every endpoint in the same words, so that its answers can be laid side by side."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from byok_bench.report.selections import select_measured
from byok_bench.report.table_parts import ASKED
from byok_bench.report.transcripts import choose_name
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of one sample under one load."""

    scenario: str
    sample: str
    turn: int = 1
    stage: int = 0
    title: str = ""
    """As people choose it: no more of the four than tells it from the others."""

    def has_row(self, row: Row) -> bool:
        """Whether a row is an answer to it."""
        return (row.scenario, row.sample, row.turn, row.stage) == (self.scenario, self.sample, self.turn, self.stage)


def list_prompts(run: Run) -> list[Prompt]:
    """Every prompt that something was recorded of, in the order of the plan; warm-up is none."""
    scenarios = [one.name for one in run.plan.scenarios]
    samples = {(one.name, sample.name): at for one in run.plan.scenarios for at, sample in enumerate(one.samples)}
    recorded = select_measured(run).select("status", *ASKED).count_values("prompt", "turn", "stage")
    places = {
        (scenarios.index(scenario), samples.get((scenario, sample), 0), sample, turn, stage)
        for (scenario, sample), turn, stage in recorded
    }
    found = [
        Prompt(scenario=scenarios[at], sample=sample, turn=turn, stage=stage)
        for at, _, sample, turn, stage in sorted(places)
    ]
    return [msgspec.structs.replace(one, title=_name_prompt(one, found, run)) for one in found]


def choose_prompt(run: Run, scenario: str | None = None, sample: str | None = None) -> int | None:
    """Which of `list_prompts` is meant; with no scenario the one whose answers have most deltas.

    None if there is none. Raises PlanError for a scenario or sample that the run has not, with the nearest name.
    """
    if scenario is not None:
        known = {one.name: [each.name for each in one.samples] for one in run.plan.scenarios}
        choose_name(scenario, list(known), "scenario")
        choose_name(sample, known[scenario], "sample")
    prompts = list_prompts(run)
    wanted = [at for at, one in enumerate(prompts) if scenario in (None, one.scenario) and sample in (None, one.sample)]
    if scenario is not None or not wanted:
        return wanted[0] if wanted else None
    most = max(iterate_recorded_rows(run), key=lambda row: (not row.wants_failure, row.deltas, row.chunks))
    return next(at for at in wanted if prompts[at].has_row(most))


def iterate_recorded_rows(run: Run) -> Iterator[Row]:
    """The rows that something was recorded of, without warm-up."""
    return (row for row in run.iterate_rows() if not row.is_warmup and row.status in ASKED)


def rank_worst_first(rows: Iterable[Row], most: int) -> list[Row]:
    """The worst answer of every endpoint, then the next worst: what failed, what broke a rule, what took longest.

    No more than `most` of an endpoint, and not many more of them are held meanwhile.
    """
    by_target: dict[int, list[Row]] = {}
    for row in rows:
        own = by_target.setdefault(row.target, [])
        own.append(row)
        if len(own) > 4 * most:
            own[:] = _take_worst(own, most)
    by_target = {target: _take_worst(own, most) for target, own in by_target.items()}
    ranked = [(rank, target, row) for target, own in by_target.items() for rank, row in enumerate(own)]
    return [row for _, _, row in sorted(ranked, key=lambda one: one[:2])]


def _take_worst(rows: Sequence[Row], most: int) -> list[Row]:
    return sorted(rows, key=_rank_row)[:most]


def _rank_row(row: Row) -> tuple[bool, bool, int, int]:
    took_ns = (row.end_ns or 0) - (row.start_ns or 0)
    return row.kind is None, all(one.severity != "error" for one in row.findings), -took_ns, row.repeat


def _name_prompt(prompt: Prompt, every: Sequence[Prompt], run: Run) -> str:
    alike = [one for one in every if one.scenario == prompt.scenario]
    parts = [prompt.scenario]
    parts += [prompt.sample] if len({one.sample for one in alike}) > 1 else []
    parts += [f"turn {prompt.turn}"] if len({one.turn for one in alike}) > 1 else []
    parts += [run.plan.loads[prompt.stage].name] if len({one.stage for one in alike}) > 1 else []
    return ", ".join(parts)
