"""Runs as endpoints would make them, drawn from a seed: prompts that differ in speed and difficulty, and repeats."""

import random
from collections.abc import Iterator

from support.made_run import MadeRun, failed, plan, row

from byok_bench.runs.row import Row


class World:
    """One endpoint over `prompts` prompts × `repeats`, as it is on some day."""

    def __init__(self, prompts: int, repeats: int, *, success: float = 0.9, ttft_ms: float = 400.0) -> None:
        self.prompts = prompts
        self.repeats = repeats
        self.success = success
        self.ttft_ms = ttft_ms

    def make_run(self, seed: int, *, slower: float = 1.0, worse: float = 0.0) -> MadeRun:
        """A run on a day when first tokens take `slower` times as long, and success is lower by `worse`."""
        return MadeRun(list(self._iterate_rows(random.Random(seed), slower, worse)), PLAN)

    def _iterate_rows(self, dice: random.Random, slower: float, worse: float) -> Iterator[Row]:
        for prompt in range(self.prompts):
            of_prompt = random.Random(prompt)  # a prompt is as long and as hard on every day
            base = self.ttft_ms * slower * of_prompt.lognormvariate(0, 0.5)
            # Some prompts are always met, others are hard; on average `success` of them are.
            rate = min(1.0, max(0.0, of_prompt.choice((1.0, 2 * self.success - 1.0)) - worse))
            for repeat in range(1, self.repeats + 1):
                yield row(
                    sample=f"s{prompt}",
                    repeat=repeat,
                    ttft_ms=base * dice.lognormvariate(0, 0.2),
                    outcome="ok" if dice.random() < rate else "unmet",
                )


PLAN = plan(["gateway"])


def make_dead_run(prompts: int = 3) -> MadeRun:
    """A run in which nothing answered."""
    return MadeRun([failed("network", sample=f"s{number}") for number in range(prompts)], PLAN)
