"""How often a gate is right: runs of a made world with a drift that is known, lengthened as the gate itself asks for.

A pilot is judged; while it is undecided, as many prompts are added as `needed` names, the earlier ones kept. That a
world grows at its end is what makes a longer run the continuation of a shorter one.
"""

import math
import random
from typing import Any, NamedTuple

from support.gate_worlds import World

from byok_bench.report.gates.rules import Rule
from byok_bench.report.gates.verdicts import gate

ROUNDS = {True: 4, False: 2}
"""How often a run is judged at most, with a drift and without one: that nothing changed takes long to show."""
MOST_PROMPTS = 4_000


class Truth(NamedTuple):
    """A drift, the rule that has to find it, and the pilot."""

    rule: Rule
    drift: dict[str, float]
    prompts: int
    repeats: int


TIMES = Rule(metric="ttft_ms", against="baseline", margin="10 %")
SUCCESS = Rule(metric="outcome.ok", against="baseline", margin=0.03)
TRUTHS = {
    "TTFT +20 %": Truth(TIMES, {"slower": 1.2}, 10, 12),
    "success −10 points": Truth(SUCCESS, {"worse": 0.1}, 60, 5),
    "success −6 points": Truth(SUCCESS, {"worse": 0.06}, 150, 5),
}


def find_verdict(name: str, dice: random.Random, *, drifts: bool) -> str:
    """What the gate says in the end of one pair of runs, with the drift or of two identical days."""
    rule, drift, prompts, repeats = TRUTHS[name]
    seeds = dice.getrandbits(48), dice.getrandbits(48)
    more: dict[str, Any] = drift if drifts else {}
    for _ in range(ROUNDS[drifts]):
        world = World(prompts, repeats)
        [judged] = gate(world.make_run(seeds[1], **more), rule, world.make_run(seeds[0]))
        if judged.verdict != "undecided":
            return judged.verdict
        wanted = judged.needed if judged.needed is not None else judged.n
        prompts = min(MOST_PROMPTS, prompts + max(1, math.ceil(wanted / (repeats if rule is TIMES else 1))))
    return "undecided"


def is_red(name: str, dice: random.Random, *, drifts: bool) -> bool:
    """Whether the gate fails in the end."""
    return find_verdict(name, dice, drifts=drifts) == "fail"
