"""Tables on details, feature by feature and endpoint by endpoint: capabilities, schemas, params.

One line a feature and target: how many answers showed it, with the interval of that share, and in `result` the one word
that all of them agree on, else the words with their counts. A refusal is a 400 or 422 that speaks of the request; any
other failure is an error and says nothing of the feature.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from byok_bench.checks.probes.probe import TROUBLE
from byok_bench.report.selections import Selection
from byok_bench.report.stats import rate
from byok_bench.report.table_parts import Line, Part, compute_share, iterate_parts
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


def list_schema_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """JSON Schema features by target: accepted and valid, accepted and invalid, refused, or an error."""
    yield from _list_group_lines(measured, run, "schemas", SCHEMA_WORDS)


def list_parameter_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """Parameters by target: accepted with an effect, accepted and ignored, refused, or an error."""
    yield from _list_group_lines(measured, run, "params", PARAMETER_WORDS)


def _list_group_lines(measured: Selection, run: Run, group: str, words: Words) -> Iterator[Line]:
    """The samples of the scenarios of a group, or with a tag of that name, by target; n counts samples."""
    names = [one.name for one in run.plan.scenarios if is_in_group(one, group)]
    for part in iterate_parts(measured.select("scenario", *names), run, "prompt"):
        scenario, sample = part.head.pop("scenario")
        seen = count_outcomes(part.over, words)
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


def count_outcomes(over: Selection, words: Words) -> Counter[str]:
    """What the last answers of samples say of their feature, the first seen first."""
    seen: Counter[str] = Counter()
    for (kind, outcome, status), count in over.count_values("kind", "outcome", "http_status").items():
        if kind is None:
            seen[words.met if outcome == "ok" else words.unmet] += count
        else:
            seen["refused" if status in REFUSING and kind not in UNRELATED else "error"] += count
    return seen


def select_refusals(some: Selection) -> Selection:
    """Requests that were turned down for what they ask; a 5xx never is one."""
    return some.drop("kind", None, *UNRELATED).select("http_status", *REFUSING)


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
        "failed": len(part.over.drop("kind", None)),
        "excluded": part.excluded,
    }


class Prompts(NamedTuple):
    """What the first turn of each prompt, a scenario and sample, asks for."""

    requests: Mapping[tuple[str, str], Request]
    offering: frozenset[tuple[str, str]]
    """Those that offer tools."""

    def select_offering(self, some: Selection) -> Selection:
        """What was asked with tools."""
        return some.select("prompt", *self.offering)

    def select_choosing(self, some: Selection, is_meant: Callable[[str], bool]) -> Selection:
        """First turns with tools and a tool choice that is meant."""
        chosen = [prompt for prompt in self.offering if is_meant(self.requests[prompt].tool_choice or "auto")]
        return some.select("prompt", *chosen).select("turn", 1)


class Ability(NamedTuple):
    """One line of the table of capabilities: which answers were asked for it, and which of them show it."""

    name: str
    select_asked: Callable[[Selection, Prompts], Selection]
    select_shown: Callable[[Selection], Selection]
    is_free: bool = False
    """The model may leave it: what is not shown proves nothing."""


def _select_choosing(choice: str) -> Callable[[Selection, Prompts], Selection]:
    return lambda some, prompts: prompts.select_choosing(some, lambda made: made == choice)


def _select_naming(some: Selection, prompts: Prompts) -> Selection:
    return prompts.select_choosing(some, lambda made: made not in ("auto", "required", "none"))


def _select_structured(some: Selection, prompts: Prompts) -> Selection:
    wanted = [prompt for prompt, request in prompts.requests.items() if request.answer_schema is not None]
    return some.select("prompt", *wanted).drop("outcome", None)


def _select_calling(good: Selection) -> Selection:
    return good.drop("calls", 0)


ABILITIES: Final = (
    Ability(
        "streaming", lambda some, prompts: some.select("streamed", True), lambda good: good.select("has_events", True)
    ),
    Ability("tools.auto", _select_choosing("auto"), _select_calling, is_free=True),
    Ability("tools.required", _select_choosing("required"), _select_calling),
    Ability("tools.named", _select_naming, _select_calling),
    Ability("tools.none", _select_choosing("none"), lambda good: good.select("calls", 0)),
    Ability(
        "tools.parallel", lambda some, prompts: prompts.select_offering(some), lambda good: good.drop("calls", 0, 1),
        is_free=True,
    ),
    Ability("structured.schema", _select_structured, lambda good: good.select("outcome", "ok")),
    Ability(
        "reasoning.output", lambda some, prompts: some, lambda good: good.select("has_reasoned", True), is_free=True
    ),
    Ability(
        "cache.prefix", lambda some, prompts: some.drop("has_cached", None),
        lambda good: good.select("has_cached", True), is_free=True,
    ),
)  # fmt: skip
"""What the answers of any run show by the way; `byok-bench capabilities` asks for it on purpose."""


def list_capability_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """What the answers of a run show a target to be able to do; n counts exchanges, error scenarios apart."""
    prompts = _list_prompts(run.plan)
    known = measured.select("wants_failure", False).select("prompt", *prompts.requests)
    for part in iterate_parts(known, run):
        for ability in ABILITIES:
            asked = ability.select_asked(part.asked, prompts)
            if len(asked):
                yield part.head | _make_ability_line(ability, asked)


def _list_prompts(plan: Plan) -> Prompts:
    tasks = {(one.name, sample.name): lay_over(one, sample) for one in plan.scenarios for sample in one.samples}
    return Prompts(
        {prompt: task.request for prompt, task in tasks.items()},
        frozenset(prompt for prompt, task in tasks.items() if task.has_tools),
    )


def _make_ability_line(ability: Ability, asked: Selection) -> Line:
    good = asked.select("kind", None)
    shown, refused = ability.select_shown(good), select_refusals(asked)
    behind = next((some for some in (shown, refused, good) if len(some)), None)
    return {
        "feature": ability.name,
        "n": len(asked),
        "failed": len(asked) - len(good),
        "excluded": 0,
        "result": name_state(len(shown), len(good), len(refused), is_free=ability.is_free),
        "shown": len(shown),
        "refused": len(refused),
        **compute_share("shown", rate(len(shown), len(good))),
        "exchange": int(behind.list_numbers("exchange_id")[0]) if behind is not None else None,
    }


def name_state(shown: int, good: int, refused: int, *, is_free: bool) -> str:
    """yes, no, partly or unknown, as `byok-bench capabilities` has them."""
    if shown and (is_free or shown == good):
        return "yes"
    if shown:
        return "partly"
    return "no" if refused or (good and not is_free) else "unknown"
