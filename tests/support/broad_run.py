"""A run as wide as they come: twelve endpoints with long labels, two dozen scenarios, long words of servers."""

from support.detailed_run import FEATURES, KNOBS, TALK, make_detailed_rows
from support.made_run import MadeRun, failed, row
from support.nine import NINE
from support.recorded import answer

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.judging import Row
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.planning.plan import PlanSettings, make_plan
from byok_bench.scenarios.selection import load_library

LABELS = tuple(f"{name} through the gateway in Frankfurt, contract {n}" for n, name in enumerate("ABCDEFGHIJKL"))
MORE = ("parallel-calls", "plain-questions", "long-answers", "system-prompt", "conversation", "refusals", "languages")
CHECKS = ("tool.index-missing", "stream.truncated", "finish.value", "stream.json-parse")
LAST_WORDS = "and that is the very end of it"
MESSAGE = f"request_{'x' * 60} exceeds the limit of this deployment, {LAST_WORDS}"


class BroadRun(MadeRun):
    """Each row has the same short stream behind it."""

    def find_exchange(self, exchange_id: int) -> Exchange:  # type: ignore[override]
        return answer("a", "b")


def make_broad_run(count: int = len(LABELS)) -> BroadRun:
    """The run of so many endpoints; each broke one rule, and every third refuses with many words."""
    library = load_library()
    scenarios = (*NINE, *(library[name] for name in MORE if name in library), FEATURES, KNOBS, TALK)
    endpoints = [
        Endpoint(label=label, base_url=f"http://127.0.0.1:{8000 + n}/v1", models=[Model("m")])
        for n, label in enumerate(LABELS[:count])
    ]
    plan = make_plan(endpoints, scenarios, PlanSettings(repeats=3, loads=(ClosedLoad(),), warmup=0))
    rows: list[Row] = make_detailed_rows()
    for target in range(count):
        finding = Finding(check=CHECKS[target % len(CHECKS)], severity="error", message="as found", event=0, offset=0)
        for scenario in scenarios[:-3]:
            where = {"scenario": scenario.name, "target": target, "exchange_id": len(rows) + 1000}
            if scenario.wants_failure:
                rows.append(failed("auth", wants_failure=True, message=MESSAGE, **where))
            elif target % 3 == 2 and scenario.has_tools:
                rows.append(failed("invalid_request", message=MESSAGE, http_status=400, **where))
            else:
                rows.append(row(ttft_ms=123.4 + target, e2e_ms=2345.6, itl_ms=(1.0, 2.0), findings=(finding,), **where))
    return BroadRun(rows, plan)
