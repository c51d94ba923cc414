"""byok-bench: measure and verify OpenAI-compatible endpoints that you bring your own key to.

What is promised is what stands here, and on docs/reference.md. Names are resolved when they are first used, so that
`import byok_bench` stays light: pandas, altair and ipywidgets load only when a table, a plot or a form is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

# Not lazy: the function shares its module's name, and a later import of the module would put the module here.
from byok_bench.redact import redact as redact

if TYPE_CHECKING:  # the same as the table, for type checkers; tests/unit/test_public_names.py compares them
    from byok_bench.backends.litellm import LiteLLM as LiteLLM
    from byok_bench.backends.llamacpp import LlamaCpp as LlamaCpp
    from byok_bench.backends.receiver import Receiver as Receiver
    from byok_bench.checks.capabilities.examination import capabilities as capabilities
    from byok_bench.checks.finding import Finding as Finding
    from byok_bench.checks.ladder.climb import ladder as ladder
    from byok_bench.checks.ladder.report import LadderReport as LadderReport
    from byok_bench.checks.ladder.report import Rung as Rung
    from byok_bench.checks.registry import run_checks as _run_checks
    from byok_bench.dialects.exchange import Exchange as Exchange
    from byok_bench.dialects.output import Output as Output
    from byok_bench.dialects.output import ToolCall as ToolCall
    from byok_bench.dialects.output import Usage as Usage
    from byok_bench.dialects.timing import Timing as Timing
    from byok_bench.endpoints.book import EndpointBook as EndpointBook
    from byok_bench.endpoints.contract import CustomEndpoint as CustomEndpoint
    from byok_bench.endpoints.contract import TeamReference as TeamReference
    from byok_bench.endpoints.contract import check_confirmation as check_confirmation
    from byok_bench.endpoints.contract import decode_endpoint as decode_endpoint
    from byok_bench.endpoints.contract import encode_endpoint as encode_endpoint
    from byok_bench.endpoints.endpoint import Endpoint as Endpoint
    from byok_bench.endpoints.endpoint import Tls as Tls
    from byok_bench.endpoints.keys import KeyRef as KeyRef
    from byok_bench.endpoints.model import DeclaredCapabilities as DeclaredCapabilities
    from byok_bench.endpoints.model import Model as Model
    from byok_bench.endpoints.model import Price as Price
    from byok_bench.endpoints.secret import Secret as Secret
    from byok_bench.endpoints.send import list_models as list_models
    from byok_bench.endpoints.send import send as send
    from byok_bench.errors import BackendError as BackendError
    from byok_bench.errors import BookError as BookError
    from byok_bench.errors import ByokBenchError as ByokBenchError
    from byok_bench.errors import ContractError as ContractError
    from byok_bench.errors import EndpointError as EndpointError
    from byok_bench.errors import ExportError as ExportError
    from byok_bench.errors import MissingPartError as MissingPartError
    from byok_bench.errors import PlanError as PlanError
    from byok_bench.errors import SecretError as SecretError
    from byok_bench.errors import StoreError as StoreError
    from byok_bench.report import stats as stats
    from byok_bench.report.compare import compare as compare
    from byok_bench.report.demand import find_unmet as find_unmet
    from byok_bench.report.endpoint_bill import EndpointBill as EndpointBill
    from byok_bench.report.endpoint_bill import review_bill as review_bill
    from byok_bench.report.evidence import Evidence as Evidence
    from byok_bench.report.evidence import list_evidence as list_evidence
    from byok_bench.report.gates.judged_rules import Judged as Judged
    from byok_bench.report.gates.verdicts import gate as gate
    from byok_bench.report.latency_plots import draw_depth as draw_depth
    from byok_bench.report.latency_plots import draw_distribution as draw_distribution
    from byok_bench.report.latency_plots import draw_ladder as draw_ladder
    from byok_bench.report.matrix import make_error_frame as make_error_frame
    from byok_bench.report.matrix import make_evidence_frame as make_evidence_frame
    from byok_bench.report.matrix import make_rule_matrix as make_rule_matrix
    from byok_bench.report.plots import draw_first_token as draw_first_token
    from byok_bench.report.proxy_report import diff as diff
    from byok_bench.report.stream_plot import draw_streams as draw_streams
    from byok_bench.report.thresholds import Thresholds as Thresholds
    from byok_bench.report.thresholds import make_thresholds as make_thresholds
    from byok_bench.report.vendor.frames import vendor as vendor
    from byok_bench.report.verdict_cards import Card as Card
    from byok_bench.report.verdict_cards import Clause as Clause
    from byok_bench.report.verdict_cards import make_cards as make_cards
    from byok_bench.runs.attachment import attach as attach
    from byok_bench.runs.limits.limits_map import LimitsMap as LimitsMap
    from byok_bench.runs.limits.search import find_limits as find_limits
    from byok_bench.runs.limits.silences import SilenceMap as SilenceMap
    from byok_bench.runs.limits.silences import find_silences as find_silences
    from byok_bench.runs.measuring.stop_switch import StopSwitch as StopSwitch
    from byok_bench.runs.progress import ExchangeFinished as ExchangeFinished
    from byok_bench.runs.progress import RunFinished as RunFinished
    from byok_bench.runs.progress import RunStarted as RunStarted
    from byok_bench.runs.progress import Waiting as Waiting
    from byok_bench.runs.results import Run as Run
    from byok_bench.runs.row import Row as Row
    from byok_bench.runs.runner import run as run
    from byok_bench.scenarios.scenario import Scenario as Scenario
    from byok_bench.scenarios.scenario_file import read_scenario as read_scenario
    from byok_bench.scenarios.scripted_simulator import Simulator as Simulator
    from byok_bench.scenarios.scripts import make_script as make_script
    from byok_bench.ui.chart_widget import make_chart_widget as make_chart_widget
    from byok_bench.ui.chart_widget import render_chart as render_chart
    from byok_bench.ui.comparison_view import render_comparison as render_comparison
    from byok_bench.ui.endpoint_form import EndpointForm as EndpointForm
    from byok_bench.ui.errors_view import render_failures as render_failures
    from byok_bench.ui.exchange_view import render_events as render_events
    from byok_bench.ui.findings_view import render_findings as render_findings
    from byok_bench.ui.ladder_view import LadderView as LadderView
    from byok_bench.ui.results_view import render_results as render_results
    from byok_bench.ui.run_faces import Errors as Errors
    from byok_bench.ui.run_faces import Findings as Findings
    from byok_bench.ui.run_faces import Results as Results
    from byok_bench.ui.run_panel import RunPanel as RunPanel
    from byok_bench.ui.run_view import RunView as RunView
    from byok_bench.ui.timeline import Timeline as Timeline
    from byok_bench.ui.transcripts import Transcripts as Transcripts
    from byok_bench.ui.workbench import Workbench as Workbench
    from byok_bench.wire.bodies.sse import Event as Event
    from byok_bench.wire.client import Client as Client
    from byok_bench.wire.egress.verdicts import Verdict as Verdict
    from byok_bench.wire.egress.verdicts import judge as judge
    from byok_bench.wire.failures import Failure as Failure
    from byok_bench.wire.limits import Limits as Limits
    from byok_bench.wire.limits import Timeouts as Timeouts
    from byok_bench.wire.timed_transport import TimedTransport as TimedTransport

    check = _run_checks

_HOMES: Final = {
    "BackendError": "errors",
    "BookError": "errors",
    "ByokBenchError": "errors",
    "Card": "report.verdict_cards",
    "Clause": "report.verdict_cards",
    "Client": "wire.client",
    "ContractError": "errors",
    "CustomEndpoint": "endpoints.contract",
    "DeclaredCapabilities": "endpoints.model",
    "Endpoint": "endpoints.endpoint",
    "EndpointBill": "report.endpoint_bill",
    "EndpointBook": "endpoints.book",
    "EndpointError": "errors",
    "EndpointForm": "ui.endpoint_form",
    "Errors": "ui.run_faces",
    "Event": "wire.bodies.sse",
    "Evidence": "report.evidence",
    "Exchange": "dialects.exchange",
    "ExchangeFinished": "runs.progress",
    "ExportError": "errors",
    "Failure": "wire.failures",
    "Finding": "checks.finding",
    "Findings": "ui.run_faces",
    "Judged": "report.gates.judged_rules",
    "KeyRef": "endpoints.keys",
    "LadderReport": "checks.ladder.report",
    "LadderView": "ui.ladder_view",
    "Limits": "wire.limits",
    "LimitsMap": "runs.limits.limits_map",
    "LiteLLM": "backends.litellm",
    "LlamaCpp": "backends.llamacpp",
    "MissingPartError": "errors",
    "Model": "endpoints.model",
    "Output": "dialects.output",
    "PlanError": "errors",
    "Price": "endpoints.model",
    "Receiver": "backends.receiver",
    "Results": "ui.run_faces",
    "Row": "runs.row",
    "Run": "runs.results",
    "RunFinished": "runs.progress",
    "RunPanel": "ui.run_panel",
    "RunStarted": "runs.progress",
    "RunView": "ui.run_view",
    "Rung": "checks.ladder.report",
    "Scenario": "scenarios.scenario",
    "Secret": "endpoints.secret",
    "SecretError": "errors",
    "Simulator": "scenarios.scripted_simulator",
    "StopSwitch": "runs.measuring.stop_switch",
    "SilenceMap": "runs.limits.silences",
    "StoreError": "errors",
    "TeamReference": "endpoints.contract",
    "Thresholds": "report.thresholds",
    "TimedTransport": "wire.timed_transport",
    "Timeline": "ui.timeline",
    "Timeouts": "wire.limits",
    "Timing": "dialects.timing",
    "Tls": "endpoints.endpoint",
    "ToolCall": "dialects.output",
    "Transcripts": "ui.transcripts",
    "Usage": "dialects.output",
    "Verdict": "wire.egress.verdicts",
    "Waiting": "runs.progress",
    "Workbench": "ui.workbench",
    "attach": "runs.attachment",
    "capabilities": "checks.capabilities.examination",
    "check": "checks.registry:run_checks",
    "check_confirmation": "endpoints.contract",
    "compare": "report.compare",
    "decode_endpoint": "endpoints.contract",
    "diff": "report.proxy_report",
    "draw_depth": "report.latency_plots",
    "draw_distribution": "report.latency_plots",
    "draw_first_token": "report.plots",
    "draw_ladder": "report.latency_plots",
    "draw_streams": "report.stream_plot",
    "encode_endpoint": "endpoints.contract",
    "find_limits": "runs.limits.search",
    "find_silences": "runs.limits.silences",
    "find_unmet": "report.demand",
    "gate": "report.gates.verdicts",
    "judge": "wire.egress.verdicts",
    "ladder": "checks.ladder.climb",
    "list_evidence": "report.evidence",
    "list_models": "endpoints.send",
    "make_cards": "report.verdict_cards",
    "make_chart_widget": "ui.chart_widget",
    "make_error_frame": "report.matrix",
    "make_evidence_frame": "report.matrix",
    "make_rule_matrix": "report.matrix",
    "make_script": "scenarios.scripts",
    "make_thresholds": "report.thresholds",
    "read_scenario": "scenarios.scenario_file",
    "redact": "redact",
    "render_chart": "ui.chart_widget",
    "render_comparison": "ui.comparison_view",
    "render_events": "ui.exchange_view",
    "render_failures": "ui.errors_view",
    "render_findings": "ui.findings_view",
    "render_results": "ui.results_view",
    "review_bill": "report.endpoint_bill",
    "run": "runs.runner",
    "send": "endpoints.send",
    "stats": "report",
    "vendor": "report.vendor.frames",
}
"""Public name → its module, and `:` what it is called there if that differs."""

__version__ = "0.1.0"
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'byok_bench' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    with importlib.import_module("byok_bench.extras").name_missing_extra():
        found = importlib.import_module(f"byok_bench.{module}")
        if not hasattr(found, attribute or name):  # it is a module itself
            importlib.import_module(f"byok_bench.{module}.{name}")
        value = getattr(found, attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
