"""Rule: what one gate asks of the endpoints of a run. Plain data, checked once on entry.

A rule has a bound (`max`, `min` or both), or is held `against` a baseline with a margin within which a change is
allowed. How rules are written in a file is in rule_files.py, how they are decided in verdicts.py.
"""

import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final, Literal

import msgspec

from byok_bench.errors import PlanError
from byok_bench.report.gates.metrics import Better, Metric, find_metric
from byok_bench.report.gates.observations import Observation
from byok_bench.report.vendor.metrics import TIME_METRICS
from byok_bench.scenarios.scenario import Scenario

Undecided = Literal["pass", "fail"]
MARGIN_OF_SHARES: Final = 0.03
"""Three points."""
MARGIN_OF_NUMBERS: Final = 0.1
"""Ten percent of the baseline."""

_KINDS: Final = {"agent": (False,), "errors": (True,), "all": (False, True)}
"""Set of scenarios → is one of it a mistake of a client?"""


class Where(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which exchanges a rule is about. `*` and `?` stand in names as in file names."""

    endpoint: str = "*"
    """Label."""
    model: str = "*"
    """Alias, or name without one."""
    scenario: str = "*"
    sample: str = "*"
    prompt_tokens: tuple[int, int] | None = None
    """From, and below which, as the server counted them."""

    def __str__(self) -> str:
        names = ("endpoint", "model", "scenario", "sample")
        told = [f"{name} {value}" for name in names if (value := getattr(self, name)) != "*"]
        if self.prompt_tokens is not None:
            told.append("{} to {} prompt tokens".format(*self.prompt_tokens))
        return ", ".join(told)

    def has_scenario(self, name: str, is_mistake: bool, asked: Scenario | None = None) -> bool:
        """Whether exchanges of that scenario are meant; `agent`, `errors`, `all` stand for what they are in a run.

        Named as in a plan: also by `group/name`, by the group, or by a tag of what was asked.
        """
        if self.scenario in _KINDS:
            return is_mistake in _KINDS[self.scenario]
        if asked is not None and (
            self.scenario in (asked.group, *asked.tags) or _is_named(f"{asked.group}/{name}", self.scenario)
        ):
            return True
        return _is_named(name, self.scenario)

    def has_sample(self, name: str) -> bool:
        """Whether exchanges of that sample are meant."""
        return _is_named(name, self.sample)

    def has_exchange(
        self,
        one: Observation,
        sizes: Mapping[tuple[str, str, int], float],
        scenarios: Mapping[str, Scenario],
    ) -> bool:
        """Whether an exchange is meant; `sizes`: tokens of each prompt, `scenarios`: those of the plan by name."""
        asked = scenarios.get(one.scenario)
        if not self.has_scenario(one.scenario, one.is_mistake, asked) or not self.has_sample(one.sample):
            return False
        if self.prompt_tokens is None:
            return True
        size = sizes.get(one.prompt)
        return size is not None and self.prompt_tokens[0] <= size < self.prompt_tokens[1]


class Margin(msgspec.Struct, frozen=True):
    """By how much a number may be worse than in the baseline."""

    size: float
    """In the unit of the number, or a share of the baseline."""
    is_relative: bool

    def __str__(self) -> str:
        return f"{100 * self.size:g} %" if self.is_relative else f"{self.size:g}"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule. Raises PlanError for a metric that is none, and for what does not go together."""

    metric: str
    name: str = ""
    """How it is called in results; the metric where it is not given."""
    where: Where = Where()
    max: float | None = None
    min: float | None = None
    against: Literal["baseline"] | None = None
    margin: float | str | None = None
    """`0.03`, in the unit of the metric, or `"10 %"` of the baseline."""
    reference: str | None = None
    """Of a metric of the table `vendor`: the endpoint beside which all others are judged; None: the first one.

    With `max` or `min` the candidate's own number is judged, else what it differs by, less the noise floor.
    """
    better: Better | None = None
    """Which way is; None: as the metric has it."""
    undecided: Undecided | None = None
    """What it counts for where it cannot be decided; None: undecided."""
    source: str = ""
    """Where its numbers are from."""
    presets: tuple[str, ...] = ()
    """Of a rule that ships with the package: the presets that it belongs to."""

    def __post_init__(self) -> None:
        metric = find_metric(self.metric)
        bounds = self.has_bounds
        if metric.kind == "vendor":
            self._check_vendor_rule(bounds)
        elif self.reference is not None:
            raise PlanError(f"rule {self.label!r}: a reference goes with a metric of vendor", code="bad_rule")
        elif bounds == (self.against is not None):
            wrong = "has a bound and a baseline: take one" if bounds else "asks for nothing: give max, min or against"
            raise PlanError(f"rule {self.label!r} {wrong}", code="bad_rule")
        for name, bound in (("max", self.max), ("min", self.min)):
            if bound is not None:
                self._check_bound(name, bound, metric)
        if self.max is not None and self.min is not None and self.max < self.min:
            raise PlanError(f"rule {self.label!r}: max {self.max:g} is below min {self.min:g}", code="bad_rule")
        if self.margin is not None and self.against is None and metric.kind != "vendor":
            raise PlanError(f"rule {self.label!r}: a margin goes with against", code="bad_rule")
        if self.against is not None and metric.kind == "total":
            raise PlanError(
                f"rule {self.label!r}: a total grows with the run; hold {metric.column}.median against a baseline",
                code="bad_rule",
            )
        self.read_margin()

    def _check_bound(self, name: str, bound: float, metric: Metric) -> None:
        if not math.isfinite(bound):
            raise PlanError(f"rule {self.label!r}: {name} is {bound}, which is no bound", code="bad_rule")
        is_share = metric.kind == "share" or (metric.kind == "vendor" and metric.column not in TIME_METRICS)
        if is_share and not 0 <= bound <= 1:
            raise PlanError(
                f"rule {self.label!r}: {name} is {bound:g}, and {self.metric} is a share from 0 to 1", code="bad_rule"
            )

    def _check_vendor_rule(self, bounds: bool) -> None:
        if self.against is not None or (bounds and self.margin is not None):
            raise PlanError(
                f"rule {self.label!r}: a metric of vendor has a bound or a margin, and no baseline", code="bad_rule"
            )
        if self.where != Where(endpoint=self.where.endpoint, model=self.where.model):
            raise PlanError(
                f"rule {self.label!r}: a metric of vendor is about whole endpoints: where takes endpoint and model",
                code="bad_rule",
            )

    @property
    def has_bounds(self) -> bool:
        """Whether it has a `max` or a `min`."""
        return self.max is not None or self.min is not None

    @property
    def label(self) -> str:
        """How it is called in results."""
        return self.name or self.metric

    def get_metric(self) -> Metric:
        """What it is about. A count that is held against a baseline is the share of exchanges that have it."""
        metric = find_metric(self.metric)
        return find_metric(f"{metric.name}.share") if self.against and metric.kind == "count" else metric

    def read_margin(self) -> Margin:
        """The margin, or the usual one of its kind of number. Raises PlanError for a text that is none."""
        is_number = find_metric(self.metric).kind == "number"
        if self.margin is None:
            return Margin(MARGIN_OF_NUMBERS, True) if is_number else Margin(MARGIN_OF_SHARES, False)
        try:
            text = str(self.margin).strip()
            size = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            size = -1
        if not 0 <= size < float("inf"):
            raise PlanError(
                f'rule {self.label!r}: margin is a number that is not below 0, or a text like "10 %"', code="bad_rule"
            )
        return Margin(size, is_number and text.endswith("%"))

    def is_about(self, endpoint: str, model: str) -> bool:
        """Whether it judges that endpoint and model."""
        return _is_named(endpoint, self.where.endpoint) and _is_named(model, self.where.model)


def _is_named(name: str, pattern: str) -> bool:
    """Whether a name is meant: as it is, brackets and all, or as one of those with `*` and `?` in it."""
    return name == pattern or fnmatchcase(name, pattern)
