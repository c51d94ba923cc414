"""Exclusions: why a sample is not played on a target. It has a row that says so, and counts in no rate."""

from typing import Final

from byok_bench.endpoints.model import Model
from byok_bench.runs.planning.plan import Job, Plan, Target, find_target_model
from byok_bench.scenarios.costs import compute_needed_window
from byok_bench.scenarios.phrasing import find_wording_gap
from byok_bench.scenarios.scenario import Request, Sample, Scenario, find_turn_request, lay_over

MOST_WITHOUT_WINDOW: Final = 200_000
"""Tokens of context that are asked of a model whose window nobody told: more is rare, and dear where it is served."""


def find_job_exclusion(plan: Plan, job: Job) -> str | None:
    """Why a job is not played; None if it is."""
    scenario = plan.get_scenario(job.scenario)
    sample = scenario.get_sample(job.sample)
    return find_exclusion(plan.targets[job.target], scenario, sample, find_target_model(plan, job.target))


def find_exclusion(target: Target, scenario: Scenario, sample: Sample, model: Model | None = None) -> str | None:
    """Why a sample is not played on a target; None if it is."""
    task = lay_over(scenario, sample)
    if task.spoil is not None and task.spoil.wrong_key and target.key == "none":
        return "the endpoint uses no key, so a wrong one shows nothing"
    lacking = [name for name in _list_needs(task) if name in target.lacks]
    if lacking:
        return f"declared without {', '.join(lacking)}"
    return _find_shortage(target, task, sample, model) or find_wording_gap(task, target.schema, model) or None


def _list_needs(task: Scenario) -> list[str]:
    """Capabilities without which it shows nothing: those that the request tells, and those that are named."""
    request = task.request
    wants_form = request.answer_schema is not None or request.answer_format == "json_object"
    needs = {"streaming": request.stream, "tools": task.has_tools, "structured_output": wants_form}
    return list(dict.fromkeys([*(name for name, needed in needs.items() if needed), *task.needs]))


def _find_shortage(target: Target, task: Scenario, sample: Sample, model: Model | None) -> str:
    """Which number of tokens the model has too few of; empty if it has enough, or nothing is known."""
    asked = max(_count_output(find_turn_request(task, turn)) for turn in range(len(task.turns) + 1))
    most = model.max_output_tokens if model is not None else None
    if most is not None and asked > most:
        return f"asks for {asked} tokens, and an answer of the model has at most {most}"
    if not is_window_needed(task):
        return ""
    needed = compute_needed_window(task, sample)
    window = target.window
    if window is None:
        asks_much = needed > MOST_WITHOUT_WINDOW
        return f"needs a context window of {needed} tokens, and none is declared or listed" if asks_much else ""
    return f"needs a context window of {needed} tokens, and the model has one of {window}" if needed > window else ""


def is_window_needed(task: Scenario) -> bool:
    """Whether it shows nothing in a window that is too small: where that is stated, or a fill is generated. Written
    prompts are short, and their tokens are an estimate.
    """
    fills = [task.fill, *(script.fill for script in task.turns)]
    return task.needs_window_tokens is not None or any(fill is not None for fill in fills)


def _count_output(request: Request) -> int:
    """Tokens that one answer may have."""
    return request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens
