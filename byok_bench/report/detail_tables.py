"""Tables on details, feature by feature and endpoint by endpoint: capabilities, schemas, params.

One line a feature and target: how many answers showed it, with the interval of that share, and in `result` the one word
that all of them agree on, else the words with their counts. A refusal is a 400 or 422 that speaks of the request; any
other failure is an error and says nothing of the feature.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from byok_bench.checks.probes.probe import TROUBLE
from byok_bench.report.stats import rate
from byok_bench.report.table_parts import Line, Part, compute_share, iterate_parts
from byok_bench.runs.judging import Row
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.results import Run
from byok_bench.scenarios.scenario import Request, Scenario, lay_over

REFUSING: Final = (400, 422)
UNRELATED: Final = TROUBLE | {"context_length", "not_found_model"}
"""Kinds of failure by which such a status does not speak of what the request asks for."""


class Words(NamedTuple):
    """How the outcomes of a table are called."""

    met: str
    unmet: str


SCHEMA_WORDS: Final = Words("valid", "invalid")
PARAMETER_WORDS: Final = Words("effect", "ignored")


def list_schema_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """JSON Schema features by target: accepted and valid, accepted and invalid, refused, or an error."""
    yield from _list_group_lines(rows, run, "schemas", SCHEMA_WORDS)


def list_parameter_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """Parameters by target: accepted with an effect, accepted and ignored, refused, or an error."""
    yield from _list_group_lines(rows, run, "params", PARAMETER_WORDS)


def _list_group_lines(rows: Sequence[Row], run: Run, group: str, words: Words) -> Iterator[Line]:
    """The samples of the scenarios of a group, or with a tag of that name, by target; n counts samples."""
    names = [one.name for one in run.plan.scenarios if is_in_group(one, group)]
    chosen = [row for row in rows if row.scenario in names]
    for part in iterate_parts(chosen, run, lambda row: f"{row.scenario}\0{row.sample}"):
        scenario, _, sample = part.head.pop("scenario").partition("\0")
        seen = Counter(name_outcome(row, words) for row in part.over)
        answered = seen[words.met] + seen[words.unmet]
        yield (
            {**part.head, "scenario": scenario, "feature": sample}
            | _count_samples(part)
            | {"result": render_result(seen), words.met: seen[words.met], words.unmet: seen[words.unmet]}
            | {"refused": seen["refused"]}
            | compute_share(words.met, rate(seen[words.met], answered))
        )


def is_in_group(scenario: Scenario, group: str) -> bool:
    """Whether a scenario stands in this folder of the library, or has its name as a tag."""
    return scenario.group == group or group in scenario.tags


def name_outcome(row: Row, words: Words) -> str:
    """What the last answer of a sample says of its feature."""
    if row.kind is None:
        return words.met if row.outcome == "ok" else words.unmet
    return "refused" if is_refusal(row) else "error"


def is_refusal(row: Row) -> bool:
    """Whether the request was turned down for what it asks; a 5xx never is."""
    return row.http_status in REFUSING and row.kind not in UNRELATED


def render_result(seen: Counter[str]) -> str | None:
    """The word that all agree on; else each with its count, most frequent first; None if nothing was seen."""
    said = [(word, count) for word, count in seen.most_common() if count]
    if len(said) < 2:
        return said[0][0] if said else None
    return ", ".join(f"{word} ×{count}" for word, count in said)


def _count_samples(part: Part) -> Line:
    return {
        "n": len(part.over),
        "planned": part.count_planned_samples(),
        "failed": sum(row.kind is not None for row in part.over),
        "excluded": part.excluded,
    }


class Ability(NamedTuple):
    """One line of the table of capabilities: which answers were asked for it, and which of them show it."""

    name: str
    is_asked: Callable[[Row, Request, bool], bool]
    """By the row, the request of its sample, and whether tools were offered."""
    is_shown: Callable[[Row], bool]
    is_free: bool = False
    """The model may leave it: what is not shown proves nothing."""


def _ask_choice(choice: str | None) -> Callable[[Row, Request, bool], bool]:
    return lambda row, request, tools: tools and row.turn == 1 and (request.tool_choice or "auto") == choice


def _ask_named(row: Row, request: Request, tools: bool) -> bool:
    return tools and row.turn == 1 and request.tool_choice not in (None, "auto", "required", "none")


ABILITIES: Final = (
    Ability("streaming", lambda row, request, tools: row.streamed, lambda row: row.events > 1),
    Ability("tools.auto", _ask_choice("auto"), lambda row: bool(row.tool_calls), is_free=True),
    Ability("tools.required", _ask_choice("required"), lambda row: bool(row.tool_calls)),
    Ability("tools.named", _ask_named, lambda row: bool(row.tool_calls)),
    Ability("tools.none", _ask_choice("none"), lambda row: not row.tool_calls),
    Ability("tools.parallel", lambda row, request, tools: tools, lambda row: len(row.tool_calls) > 1, is_free=True),
    Ability(
        "structured.schema",
        lambda row, request, tools: request.answer_schema is not None and row.outcome is not None,
        lambda row: row.outcome == "ok",
    ),
    Ability("reasoning.output", lambda row, request, tools: True, lambda row: row.reasoning_chars > 0, is_free=True),
    Ability(
        "cache.prefix", lambda row, request, tools: row.cached_tokens is not None, lambda row: bool(row.cached_tokens),
        is_free=True,
    ),
)  # fmt: skip
"""What the answers of any run show by the way; `byok-bench capabilities` asks for it on purpose."""


def list_capability_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """What the answers of a run show a target to be able to do; n counts exchanges, error scenarios apart."""
    requests = _list_requests(run.plan)
    known = [row for row in rows if not row.wants_failure and (row.scenario, row.sample) in requests]
    for part in iterate_parts(known, run):
        for ability in ABILITIES:
            asked = [row for row in part.asked if ability.is_asked(row, *requests[row.scenario, row.sample])]
            if asked:
                yield part.head | _make_ability_line(ability, asked)


def _list_requests(plan: Plan) -> dict[tuple[str, str], tuple[Request, bool]]:
    """(scenario, sample) → the request of its first turn, and whether tools are offered."""
    tasks = {(one.name, sample.name): lay_over(one, sample) for one in plan.scenarios for sample in one.samples}
    return {place: (task.request, task.has_tools) for place, task in tasks.items()}


def _make_ability_line(ability: Ability, asked: Sequence[Row]) -> Line:
    good = [row for row in asked if row.kind is None]
    shown = [row for row in good if ability.is_shown(row)]
    refused = sum(map(is_refusal, asked))
    behind = shown or [row for row in asked if is_refusal(row)] or good
    return {
        "feature": ability.name,
        "n": len(asked),
        "failed": len(asked) - len(good),
        "excluded": 0,
        "result": name_state(len(shown), len(good), refused, is_free=ability.is_free),
        "shown": len(shown),
        "refused": refused,
        **compute_share("shown", rate(len(shown), len(good))),
        "exchange": behind[0].exchange_id if behind else None,
    }


def name_state(shown: int, good: int, refused: int, *, is_free: bool) -> str:
    """yes, no, partly or unknown, as `byok-bench capabilities` has them."""
    if shown and (is_free or shown == good):
        return "yes"
    if shown:
        return "partly"
    return "no" if refused or (good and not is_free) else "unknown"
