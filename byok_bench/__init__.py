"""byok-bench: measure and verify OpenAI-compatible endpoints that you bring your own key to.

Names are resolved when they are first used, so that `import byok_bench` stays light: pandas, altair and
ipywidgets load only when a table, a plot or a form is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

# Not lazy: the function shares its module's name, and a later import of the module would put the module here.
from byok_bench.redact import redact

if TYPE_CHECKING:
    from byok_bench.checks.finding import Finding
    from byok_bench.checks.ladder.climb import ladder
    from byok_bench.checks.registry import run_checks as check
    from byok_bench.dialects.exchange import Exchange
    from byok_bench.dialects.output import Output, ToolCall, Usage
    from byok_bench.dialects.timing import Timing
    from byok_bench.endpoints.book import EndpointBook
    from byok_bench.endpoints.endpoint import Endpoint, Model
    from byok_bench.endpoints.keys import KeyRef
    from byok_bench.endpoints.send import list_models, send
    from byok_bench.errors import (
        BackendError,
        BookError,
        ByokBenchError,
        ContractError,
        EndpointError,
        ExportError,
        PlanError,
        SecretError,
        StoreError,
    )
    from byok_bench.report.compare import compare
    from byok_bench.runs.runner import Run, run
    from byok_bench.wire.egress.verdicts import Verdict, judge
    from byok_bench.wire.failures import Failure
    from byok_bench.wire.limits import Limits, Timeouts

_HOMES = {
    "checks.finding": ("Finding",),
    "checks.ladder.climb": ("ladder",),
    "checks.registry": ("check=run_checks",),
    "dialects.exchange": ("Exchange",),
    "dialects.output": ("Output", "ToolCall", "Usage"),
    "dialects.timing": ("Timing",),
    "endpoints.book": ("EndpointBook",),
    "endpoints.endpoint": ("Endpoint", "Model"),
    "endpoints.keys": ("KeyRef",),
    "endpoints.send": ("list_models", "send"),
    "errors": (
        "BackendError",
        "BookError",
        "ByokBenchError",
        "ContractError",
        "EndpointError",
        "ExportError",
        "PlanError",
        "SecretError",
        "StoreError",
    ),
    "report.compare": ("compare",),
    "runs.runner": ("Run", "run"),
    "wire.egress.verdicts": ("Verdict", "judge"),
    "wire.failures": ("Failure",),
    "wire.limits": ("Limits", "Timeouts"),
}
_WHERE = {
    entry.partition("=")[0]: (module, entry.rpartition("=")[2])
    for module, entries in _HOMES.items()
    for entry in entries
}

__version__ = "0.1.0"
__all__ = [
    "BackendError",
    "BookError",
    "ByokBenchError",
    "ContractError",
    "Endpoint",
    "EndpointBook",
    "EndpointError",
    "Exchange",
    "ExportError",
    "Failure",
    "Finding",
    "KeyRef",
    "Limits",
    "Model",
    "Output",
    "PlanError",
    "Run",
    "SecretError",
    "StoreError",
    "Timeouts",
    "Timing",
    "ToolCall",
    "Usage",
    "Verdict",
    "check",
    "compare",
    "judge",
    "ladder",
    "list_models",
    "redact",
    "run",
    "send",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'byok_bench' has no attribute {name!r}")
    module, attribute = _WHERE[name]
    value = getattr(importlib.import_module(f"byok_bench.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
