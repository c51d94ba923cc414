"""Simulations of what `bb.stats` promises: each case draws data whose truth is known and asks whether it was held.

`tools/calibrate.py` runs them all and writes the figures into docs/statistics.md; the suite runs a few, briefly. A case
is a share of trials with its bounds; chance is seeded by the name of the case.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

from byok_bench.report import stats
from byok_bench.report.stats.ranks import find_ranks

Trial = Callable[[random.Random], float]
Draw = Callable[[random.Random], float]
NORMAL = NormalDist()
REPEATS = 5


@dataclass(frozen=True)
class Case:
    """A share, or a width, that has to lie within bounds."""

    group: str
    name: str
    trial: Trial
    """1.0 if it held, or was wrong, in one trial; or a width."""
    lowest: float
    highest: float
    runs: int = 2_000

    @property
    def is_drawn(self) -> bool:
        """Whether a trial draws resamples, which takes a hundred times as long."""
        return "BCa" in f"{self.group} {self.name}" or self.group == "agreement"

    def measure(self, runs: int | None = None) -> float:
        """The mean over the trials."""
        dice = random.Random(f"{self.group} {self.name}")
        wanted = runs or self.runs
        return math.fsum(self.trial(dice) for _ in range(wanted)) / wanted


def hold(found: stats.Interval | None, truth: float) -> float:
    """Whether the interval is there and holds the truth."""
    held = found is not None and found.low is not None and found.high is not None and found.low <= truth <= found.high
    return float(held)


TIMES: dict[str, tuple[Draw, Callable[[float], float]]] = {
    "normal": (lambda dice: dice.gauss(100, 15), NormalDist(100, 15).inv_cdf),
    "log-normal": (lambda dice: dice.lognormvariate(5, 0.6), lambda q: math.exp(5 + 0.6 * NORMAL.inv_cdf(q))),
    "bimodal": (lambda dice: dice.gauss(*((100, 5) if dice.random() < 0.7 else (300, 20))), lambda q: find_bimodal(q)),
    "heavy-tailed": (lambda dice: dice.paretovariate(1.2), lambda q: (1 - q) ** (-1 / 1.2)),
}
"""Name → a draw, and the true quantiles."""


def find_bimodal(q: float) -> float:
    """The quantile of the mixture, by halving."""
    low, high = 0.0, 600.0
    for _ in range(60):
        middle = (low + high) / 2
        mass = 0.7 * NormalDist(100, 5).cdf(middle) + 0.3 * NormalDist(300, 20).cdf(middle)
        low, high = (middle, high) if mass < q else (low, middle)
    return low


def list_rank_cases() -> Iterator[Case]:
    """Medians and quantiles: 93–97.5 % where the ranks of n can, else their exact level ± 1.5 points."""
    for q, sizes in ((0.5, (6, 8, 20, 100)), (0.9, (36, 50, 200)), (0.95, (72, 200)), (0.99, (368, 600))):
        for n in sizes:
            _, _, level = find_ranks(n, q, 0.95) or (0, 0, 0.0)
            bounds = (0.93, 0.975) if 0.945 <= level <= 0.96 else (level - 0.015, level + 0.015)
            for name, (draw, find) in TIMES.items():
                trial = partial(try_quantile, draw, find(q), q, n)
                yield Case("order statistics", f"q = {q}, n = {n}, {name}", trial, *bounds)
            draw, find = TIMES["log-normal"]
            tied = partial(try_quantile, partial(draw_tied, draw), round(find(q), -1), q, n)
            yield Case("order statistics", f"q = {q}, n = {n}, tied", tied, 0.93, 1.0)


def draw_tied(draw: Draw, dice: random.Random) -> float:
    """To whole tens."""
    return round(draw(dice), -1)


def try_quantile(draw: Draw, truth: float, q: float, n: int, dice: random.Random) -> float:
    """One sample of n."""
    return hold(stats.quantile([draw(dice) for _ in range(n)], q), truth)


def list_rate_cases() -> Iterator[Case]:
    """Rates of 0.01–0.99: mean coverage, and that of F1 near 1."""
    for n in (10, 30, 100, 400):
        yield Case("Wilson", f"rates 0.01–0.99, n = {n}", partial(try_rate, n), 0.93, 0.975, 10_000)
    for n in (30, 100):
        yield Case("Wilson", f"F1 0.95–0.99, n = {n}", partial(try_f1, n), 0.93, 0.99, 10_000)


def try_rate(n: int, dice: random.Random) -> float:
    """One rate of all, one sample of it."""
    truth = dice.uniform(0.01, 0.99)
    return hold(stats.rate(sum(dice.random() < truth for _ in range(n)), n), truth)


def try_f1(n: int, dice: random.Random) -> float:
    """n answers of which p are hits; the others are alarms or misses."""
    truth = dice.uniform(0.95, 0.99)
    hits = sum(dice.random() < truth / (2 - truth) for _ in range(n))
    return hold(stats.f1(hits, n - hits, 0), truth)


def list_cluster_cases() -> Iterator[Case]:
    """Prompt means at several correlations within a prompt: 90–98 %; Wilson's case has a floor alone."""
    for prompts in (20, 39, 40, 80):
        runs = 2_000 if prompts < 40 else 1_000
        method = "t" if prompts < 40 else "BCa"
        for rho in (0.0, 0.5, 0.9):
            trial = partial(try_normal, prompts, rho)
            yield Case(f"clustered, {method}", f"normal, {prompts} prompts, correlation {rho}", trial, 0.9, 0.98, runs)
            for p in (0.5, 0.8, 0.9):
                upper, method_01 = (1.0, "Wilson") if prompts < 40 else (0.98, "BCa")
                binary = partial(try_binary, prompts, rho, p)
                name = f"0/1 at {p}, {prompts} prompts, correlation {rho}"
                yield Case(f"clustered, {method_01}", name, binary, 0.9, upper, runs)


def draw_normal(prompts: int, rho: float, dice: random.Random) -> dict[int, list[float]]:
    """Prompts with an own mean each."""
    return {
        prompt: [middle + dice.gauss(0, math.sqrt(1 - rho)) for _ in range(REPEATS)]
        for prompt in range(prompts)
        for middle in (dice.gauss(0, math.sqrt(rho)),)
    }


def draw_binary(prompts: int, rho: float, p: float, dice: random.Random) -> dict[int, list[bool]]:
    """Each answer is, with probability √rho, the one that its prompt has drawn."""
    return {
        prompt: [common if dice.random() < math.sqrt(rho) else dice.random() < p for _ in range(REPEATS)]
        for prompt in range(prompts)
        for common in (dice.random() < p,)
    }


def try_normal(prompts: int, rho: float, dice: random.Random) -> float:
    """Mean 0."""
    return hold(stats.clustered(draw_normal(prompts, rho, dice)), 0.0)


def try_binary(prompts: int, rho: float, p: float, dice: random.Random) -> float:
    """Mean p."""
    return hold(stats.clustered(draw_binary(prompts, rho, p, dice)), p)


def list_equal_cases() -> Iterator[Case]:
    """Two endpoints that are the same, called different."""
    yield Case("equal endpoints", "median of differences, 30 pairs", try_equal_times, 0, 0.065)
    yield Case("equal endpoints", "median of ratios, 30 pairs", try_equal_ratios, 0, 0.065)
    yield Case("equal endpoints", "t, 20 prompts, normal", partial(try_equal_means, 20), 0, 0.065)
    yield Case("equal endpoints", "t, 20 prompts, 0/1 at 0.8", partial(try_equal_binary, 20), 0, 0.065)
    yield Case("equal endpoints", "BCa, 60 prompts, normal", partial(try_equal_means, 60), 0, 0.08)
    yield Case("equal endpoints", "BCa, 60 prompts, 0/1 at 0.8", partial(try_equal_binary, 60), 0, 0.08)


def draw_pairs(dice: random.Random) -> stats.Paired:
    """Times of prompts that differ among themselves."""
    prompts = [dice.lognormvariate(5, 0.6) for _ in range(30)]
    before, after = ([at * dice.lognormvariate(0, 0.2) for at in prompts] for _ in range(2))
    return stats.paired(before, after)


def try_equal_times(dice: random.Random) -> float:
    """The difference leaves 0 out."""
    return 1 - hold(draw_pairs(dice).difference, 0.0)


def try_equal_ratios(dice: random.Random) -> float:
    """The ratio leaves 1 out."""
    return 1 - hold(draw_pairs(dice).ratio, 1.0)


def try_equal_means(prompts: int, dice: random.Random) -> float:
    """The difference of means leaves 0 out."""
    return 1 - hold(stats.difference(*(draw_normal(prompts, 0.5, dice) for _ in range(2))), 0.0)


def try_equal_binary(prompts: int, dice: random.Random) -> float:
    """The same for yes and no."""
    return 1 - hold(stats.difference(*(draw_binary(prompts, 0.5, 0.8, dice) for _ in range(2))), 0.0)


def list_agreement_cases() -> Iterator[Case]:
    """F1 of two sides that each say what is so in nine of ten answers."""
    for prompts in (20, 60):
        trial = partial(try_agreement, prompts)
        yield Case("agreement", f"F1, {prompts} prompts, 3 answers each", trial, 0.9, 0.98, 1_000)


def try_agreement(prompts: int, dice: random.Random) -> float:
    """Half of the prompts ask for a yes, each side turns a tenth: F1 is 0.41 ÷ 0.5."""
    sides: tuple[dict[int, list[bool]], ...] = ({}, {})
    for prompt in range(prompts):
        asked = dice.random() < 0.5
        for side in sides:
            side[prompt] = [asked != (dice.random() < 0.1) for _ in range(3)]
    return hold(stats.agreement(*sides), 0.82)


def list_sequence_cases() -> Iterator[Case]:
    """Wrong at any of 1 000 looks; and how wide it is after 400."""
    yield Case("Sequence", "wrong at any of 1 000 looks, 0/1 at 0.4", partial(try_looks, 0.4), 0, 0.055)
    yield Case("Sequence", "wrong at any of 1 000 looks, 0/1 at 0.02", partial(try_looks, 0.02), 0, 0.055)
    yield Case("Sequence", "wrong at any of 1 000 looks, signs", try_signs, 0, 0.055)
    yield Case("Sequence", "mean width after 400 values of 0/1 at 0.4", try_width, 0, 0.30, 500)


def try_looks(p: float, dice: random.Random) -> float:
    """1.0 if any look leaves p out."""
    made = stats.Sequence()
    for _ in range(1_000):
        made.add(dice.random() < p)
        if not hold(made.interval, p):
            return 1.0
    return 0.0


def try_signs(dice: random.Random) -> float:
    """1.0 if any look says that one of two equal endpoints is slower."""
    made = stats.Sequence.of_signs()
    for _ in range(1_000):
        made.add(dice.lognormvariate(5, 0.6) - dice.lognormvariate(5, 0.6))
        if not hold(made.interval, 0.0):
            return 1.0
    return 0.0


def try_width(dice: random.Random) -> float:
    """high − low."""
    made = stats.Sequence()
    for _ in range(400):
        made.add(dice.random() < 0.4)
    found = made.interval
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def list_cases() -> list[Case]:
    """All of them, in the order of the page."""
    return [
        *list_rank_cases(),
        *list_rate_cases(),
        *list_cluster_cases(),
        *list_agreement_cases(),
        *list_equal_cases(),
        *list_sequence_cases(),
    ]
