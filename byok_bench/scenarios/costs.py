"""What a scenario costs at most: requests, tokens of prompt, tokens of output. Nothing is sent to find out.

Prompts are counted at four characters a token (fill_text.py says whence); what a server counts is in its usage.
"""

from typing import Final

import msgspec

from byok_bench.scenarios.agent import OVERFLOW_WORDS
from byok_bench.scenarios.fill import Fill
from byok_bench.scenarios.fill_text import CHARACTERS_PER_TOKEN
from byok_bench.scenarios.scenario import Sample, Scenario, count_most_answers, find_rounds, find_turn_request, lay_over
from byok_bench.scenarios.toolbox import open_toolbox

_RESULT_TOKENS: Final = 50
"""What the result of a call adds to the prompt of the next request, about."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Of one scenario, played once on one target."""

    samples: int
    requests_at_most: int
    prompt_tokens_about: int
    """Of all requests together, each as long as the conversation can have become."""
    output_tokens_at_most: int


def estimate_cost(scenario: Scenario) -> Cost:
    """What playing every sample once takes."""
    tasks = [(lay_over(scenario, sample), sample) for sample in scenario.samples]
    return Cost(
        samples=len(tasks),
        requests_at_most=sum(count_most_answers(task) for task, _ in tasks),
        prompt_tokens_about=sum(_estimate_prompts(task, sample) for task, sample in tasks),
        output_tokens_at_most=sum(_count_output_tokens(task) for task, _ in tasks),
    )


def compute_needed_window(scenario: Scenario, sample: Sample) -> int:
    """Tokens of context window that a sample takes: what it says, else its longest prompt and answer, about."""
    task = lay_over(scenario, sample)
    if task.needs_window_tokens is not None:
        return task.needs_window_tokens
    fills = [task.fill, *(turn.fill for turn in task.turns)]
    longest = max((fill.tokens for fill in fills if fill is not None), default=0)
    return _estimate_opening(task, sample, None) + longest + _count_output_tokens(task)


def _estimate_opening(task: Scenario, sample: Sample, fill: Fill | None) -> int:
    """Tokens of the first request, the tools in it."""
    said = sum(len(message.content) for message in sample.messages)
    tools = open_toolbox(task).tools.values()
    signatures = sum(len(msgspec.json.encode(tool.parameters)) + len(tool.description) for tool in tools)
    overflow = OVERFLOW_WORDS if task.spoil is not None and task.spoil.overflow else 0
    padding = (task.spoil.pad_bytes or 0) if task.spoil is not None else 0
    filled = fill.tokens if fill is not None else 0
    return (said + signatures + padding) // CHARACTERS_PER_TOKEN + 1 + filled + overflow


def _estimate_prompts(task: Scenario, sample: Sample) -> int:
    total = history = 0
    opening = _estimate_opening(task, sample, task.fill)
    for turn in range(len(task.turns) + 1):
        script = task.turns[turn - 1] if turn else None
        if script is not None and script.again:
            history, opening = 0, _estimate_opening(task, sample, script.fill or task.fill)
        history += len(script.user) // CHARACTERS_PER_TOKEN if script is not None else 0
        for _ in range(find_rounds(task, turn)):
            total += opening + history
            history += min(_RESULT_TOKENS, find_turn_request(task, turn).max_tokens) + _RESULT_TOKENS
    return total


def _count_output_tokens(task: Scenario) -> int:
    total = 0
    for turn in range(len(task.turns) + 1):
        request = find_turn_request(task, turn)
        total += find_rounds(task, turn) * (request.max_completion_tokens or request.max_tokens) * (request.n or 1)
    return total
