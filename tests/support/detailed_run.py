"""A run of features, parameters and a long conversation on two endpoints, its rows written out by hand."""

from typing import Any

from support.made_run import MadeRun, failed, row

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.planning.plan import Plan, PlanSettings, make_plan
from byok_bench.runs.row import Row
from byok_bench.scenarios.scenario import Message, Request, Sample, Scenario

ASKED = (Message(role="user", content="Go on."),)


def scenario(name: str, *samples: str, **more: Any) -> Scenario:
    """A scenario with samples of these names."""
    return Scenario(
        version=2, name=name, title=name, samples=tuple(Sample(name=one, messages=ASKED) for one in samples), **more
    )


FEATURES = scenario(
    "features", "enum", "pattern", group="schemas", tools=("get_weather",), request=Request(tool_choice="required")
)
KNOBS = scenario("knobs", "stop", "seed", tags=("params",))
TALK = scenario("talk", "long", tools=("get_weather",), max_rounds=4)


def make_detailed_plan() -> Plan:
    """Both endpoints, all three scenarios."""
    endpoints = [
        Endpoint(label=label, base_url=f"http://127.0.0.1:{8000 + n}/v1", models=[Model("m")])
        for n, label in enumerate(("one", "two"))
    ]
    settings = PlanSettings(repeats=3, loads=(ClosedLoad(),), warmup=0)
    return make_plan(endpoints, (FEATURES, KNOBS, TALK), settings)


def call(sample: str, repeat: int, fault: str = "", **more: Any) -> Row:
    """A forced call, good or with a fault."""
    faults = (fault,) if fault else ()
    calls = {"tool_calls": ("get_weather",), "valid_calls": 0 if fault else 1, "call_faults": faults}
    return row("features", repeat, sample=sample, outcome="unmet" if fault else "ok", **(calls | more))


def refused(name: str, sample: str, repeat: int, **more: Any) -> Row:
    """A request that was turned down for what it asks."""
    return failed("invalid_request", scenario=name, sample=sample, repeat=repeat, http_status=400, **more)


def make_detailed_rows() -> list[Row]:
    """Endpoint one does most of it, two refuses and breaks."""
    calls = [call("enum", repeat) for repeat in (1, 2, 3)]
    calls += [call("pattern", 1), call("pattern", 2, "schema_mismatch"), call("pattern", 3, "invalid_json")]
    calls += [refused("features", "enum", repeat, target=1) for repeat in (1, 2, 3)]
    calls += [failed(scenario="features", sample="pattern", repeat=repeat, target=1) for repeat in (1, 2)]
    knobs = [row("knobs", repeat, sample="stop") for repeat in (1, 2, 3)]
    knobs += [row("knobs", repeat, sample="seed", outcome="unmet") for repeat in (1, 2, 3)]
    talk = [
        row(
            "talk", repeat, sample="long", turn=turn, outcome="ok" if turn == 3 else None, ttft_ms=10.0 * turn,
            e2e_ms=100.0 * turn, prompt_tokens=700 * turn, cached_tokens=700 * (turn - 1),
            exchange_id=10 * repeat + turn,
        )
        for repeat in (1, 2)
        for turn in (1, 2, 3)
    ]  # fmt: skip
    return [*calls, *knobs, *talk]


def make_detailed_run() -> MadeRun:
    """The run."""
    return MadeRun(make_detailed_rows(), make_detailed_plan())
