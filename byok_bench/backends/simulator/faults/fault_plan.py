"""Which faults act on which request: of those that fit it, the next in turn or all; every n-th request; by chance."""

import difflib
import importlib
import random
from collections import Counter
from collections.abc import Iterable, Sequence

from byok_bench.backends.backend import BackendError
from byok_bench.backends.simulator.faults.fault import TABLE, Fault
from byok_bench.backends.simulator.visit import Visit

_FILES = (
    "obedience",
    "tool_calls",
    "structured_output",
    "reasoning",
    "deltas",
    "usage",
    "finish_reasons",
    "whole_answers",
    "errors",
    "model_list",
    "typed_events",
    "typed_objects",
    "http",
    "streams",
    "widened_answers",
    "widened_replies",
)
"""Order of action: what changes objects comes before what changes bytes."""


def list_faults() -> list[Fault]:
    """All faults, in the order in which they act."""
    for name in _FILES:
        importlib.import_module(f"byok_bench.backends.simulator.faults.{name}")
    return list(TABLE.values())


def find_faults(ids: Iterable[str]) -> list[Fault]:
    """The named faults in the order in which they act. Raises BackendError for a name that is none."""
    known = {fault.id: fault for fault in list_faults()}
    wanted = list(ids)
    for id in wanted:
        if id not in known:
            near = difflib.get_close_matches(id, known, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise BackendError(f"no fault is called {id!r}{hint}", code="unknown_fault")
    return [fault for id, fault in known.items() if id in wanted]


class FaultPlan:
    """The faults of one simulator: one at a time and in turn, or all together."""

    def __init__(
        self,
        ids: Sequence[str] = (),
        *,
        together: bool = False,
        every: int = 1,
        probability: float = 1.0,
        seed: int = 0,
    ) -> None:
        if every < 1 or not 0 <= probability <= 1:
            raise BackendError(
                "faults act on every n-th request (n ≥ 1), with a probability from 0 to 1", code="bad_plan"
            )
        self.faults = find_faults(ids)
        self._together = together
        self._every = every
        self._probability = probability
        self._random = random.Random(seed)
        self._acted: Counter[str] = Counter()

    def choose_faults(self, visit: Visit, number: int) -> list[Fault]:
        """The faults that act on this request, the n-th for its route, counted from 1."""
        fitting = [fault for fault in self.faults if fault.can_show(visit)]
        if number % self._every or not fitting:
            return []
        if not self._together:
            # Not every fault fits every request: the one that acted least often is next.
            fitting = [min(fitting, key=lambda fault: self._acted[fault.id])]
            self._acted[fitting[0].id] += 1
        return [fault for fault in fitting if self._random.random() < self._probability]
