"""The model of the run panel: what can be ticked, what is, what it would take. No widgets."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from byok_bench.checks.ladder.last_tests import LastTest, LastTests
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.readiness import describe_unreadiness
from byok_bench.errors import ByokBenchError
from byok_bench.report.forecast import describe_targets, predict_targets
from byok_bench.runs.planning.plan import PlanSettings, make_plan
from byok_bench.runs.results import Run
from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.selection import load_library
from byok_bench.ui.tick_list import Tickable

DEMO: Final = "On this machine"
MINE: Final = "My endpoints"
REPEATS_BUY: Final = {
    2: "a first look: medians, no intervals",
    6: "medians with 95 % intervals",
    20: "p90 as well, and finer differences",
}
"""Repeats → what the tables can say from there on; statistics need as many samples (docs/metrics.md)."""
REMEMBERED: Final = 5
"""Runs whose times are looked at."""
LONGEST_HINT: Final = 300
"""Characters of a prompt under the pointer."""


class PanelState:
    """What a run panel offers and what is chosen; `demo` are endpoints of this machine, beside those of the book."""

    def __init__(
        self, book: EndpointBook, demo: Sequence[Endpoint], scenarios: Sequence[Scenario], labels: Sequence[str]
    ) -> None:
        """`labels`: what is ticked at first. Raises EndpointError for one that is no endpoint's or not ready."""
        self.book = book
        self.demo = list(demo)
        chosen = {one.name: one for one in scenarios}
        own = {name: one for name, one in chosen.items() if name not in load_library()}
        self.scenarios = own | load_library() | chosen
        self.repeats = min(REPEATS_BUY)
        self.chosen_scenarios: list[str] = [*chosen]
        self._tests: LastTests | None = None
        self._seen: dict[str, LastTest] = {}
        """How each endpoint's last test ended, at the last look."""
        self._earlier: list[Run] = []
        self.chosen_labels = [*(one.label for one in self.demo), *self.check_labels(labels)]

    def check_labels(self, labels: Sequence[str]) -> list[str]:
        """The same labels. Raises EndpointError, with those there are, for one that is no endpoint's or not ready."""
        own = [label for label in labels if label not in [one.label for one in self.demo]]
        return [one.label for one in self.book.choose(own)]

    def offer_demo(self, demo: Sequence[Endpoint]) -> None:
        """Offer these endpoints of this machine in place of those before, ticked."""
        before = {one.label for one in self.demo}
        self.demo = list(demo)
        self.chosen_labels = [
            *(one.label for one in self.demo),
            *(label for label in self.chosen_labels if label not in before),
        ]

    def note_tests(self, tests: LastTests) -> None:
        """Look at the last tests again: an endpoint that has passed one since the last look is ticked."""
        fresh = {one.label: found for one in self.book.usable_endpoints if (found := tests.find(one)) is not None}
        if self._tests is not None:
            passed = [label for label, found in fresh.items() if found.has_passed and self._seen.get(label) != found]
            self.chosen_labels += [label for label in passed if label not in self.chosen_labels]
        self._tests, self._seen = tests, fresh

    def list_endpoint_lines(self) -> list[Tickable]:
        """One's own endpoints, then those of this machine, each with how it stands."""
        own = [
            Tickable(
                id=one.label,
                text=one.label,
                note=self._describe_standing(one),
                hint=one.base_url,
                group=MINE,
                disabled=bool(describe_unreadiness(one)) or self.book.find_refusal(one) is not None,
            )
            for one in self.book.endpoints
        ]
        demo = [Tickable(id=one.label, text=one.label, hint=one.base_url, group=DEMO) for one in self.demo]
        return [*own, *demo]

    def list_scenario_lines(self) -> list[Tickable]:
        """Every scenario with its tags; under the pointer what it asks."""
        return [
            Tickable(
                id=one.name,
                text=one.title,
                note=" · ".join(filter(None, [one.name, *one.tags])),
                hint=describe_prompt(one),
                group="Mistakes of a client" if one.wants_failure else (one.group or "Of one's own"),
            )
            for one in self.scenarios.values()
        ]

    def list_endpoints(self) -> list[Endpoint]:
        """The ticked endpoints."""
        every = {one.label: one for one in (*self.demo, *self.book.endpoints)}
        return [every[label] for label in self.chosen_labels if label in every]

    def list_scenarios(self) -> list[Scenario]:
        """The ticked scenarios."""
        return [self.scenarios[name] for name in self.chosen_scenarios]

    def describe_estimate(self) -> str:
        """What a run would take, or what is missing for one."""
        endpoints, scenarios = self.list_endpoints(), self.list_scenarios()
        if not endpoints or not scenarios:
            return f"Tick {'an endpoint' if not endpoints else 'a scenario'} to run."
        try:
            plan = make_plan(endpoints, scenarios, PlanSettings(repeats=self.repeats))
        except ByokBenchError as error:
            return f"{str(error)[:1].upper()}{str(error)[1:]}."
        here = [one.label for one in self.demo]
        free = [target.name for target in plan.targets if target.label in here]
        return describe_targets(predict_targets(plan, self._earlier), plan.warmup * len(plan.targets), free)

    def note_run(self, run: Run) -> None:
        """A run that ended: how long its requests took tells how long the next will take."""
        self._earlier = [*self._earlier, run][-REMEMBERED:]

    def _describe_standing(self, endpoint: Endpoint) -> str:
        if describe_unreadiness(endpoint):
            return "(incomplete)"
        test = self._tests.find(endpoint) if self._tests else None
        return "untested" if test is None else test.describe(datetime.now(UTC))


def describe_prompt(scenario: Scenario) -> str:
    """What a scenario shows and asks."""
    first = scenario.samples[0].messages if scenario.samples else ()
    asked = " / ".join(str(message.content) for message in first if message.role == "user")
    return f"{scenario.about} Asks: {asked[:LONGEST_HINT]}{'…' if len(asked) > LONGEST_HINT else ''}".strip()
