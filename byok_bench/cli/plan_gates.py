"""Gates of a plan file: read before anything is sent, judged when the run is over."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from byok_bench.cli.console import Exit
from byok_bench.cli.dry_run import make_asked_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.report.gates.baselines import Baseline
    from byok_bench.report.gates.rules import Rule
    from byok_bench.runs.results import Run


class PlanGates(NamedTuple):
    """What a plan asks of its run."""

    rules: "tuple[Rule, ...]"
    against: "Baseline | None"
    undecided: str | None
    is_looked_at: bool = False
    """The run was looked at while it went on, and stopped once it was decided."""


def read_until_gates(rules: str, against: str | None) -> PlanGates:
    """The rules that a run goes on for until they are decided. Raises PlanError for rules that only its end decides."""
    from byok_bench.report.gates.baselines import find_baseline
    from byok_bench.report.gates.looks import check_lookable
    from byok_bench.report.gates.rule_files import resolve_rules
    from byok_bench.report.gates.verdicts import check_baseline_named

    chosen = resolve_rules(rules)
    check_lookable(chosen)
    check_baseline_named(chosen, against)
    return PlanGates(chosen, None if against is None else find_baseline(against), None, is_looked_at=True)


def is_decided(gates: PlanGates, run: "Run") -> bool:
    """Whether every rule of them is, that can be before the end."""
    from byok_bench.report.gates.looks import is_every_rule_decided

    return is_every_rule_decided(run, gates.rules, gates.against)


def read_plan_gates(path: Path) -> PlanGates | None:
    """The gates of a plan file; None if it has none. Raises PlanError for rules or a baseline that cannot be had."""
    from byok_bench.report.gates.baselines import find_baseline
    from byok_bench.report.gates.rule_files import parse_rules, resolve_rules
    from byok_bench.report.gates.verdicts import check_baseline_named
    from byok_bench.runs.planning.plan_file import read_plan

    gates = read_plan(path).gates
    if gates is None:
        return None
    rules: list[Rule] = []
    if gates.rules is not None:
        beside = path.parent / gates.rules
        rules += resolve_rules(beside if beside.exists() or gates.rules.endswith(".toml") else gates.rules)
    if gates.rule:
        rules += parse_rules({"rule": gates.rule}, str(path), path.read_text("utf-8-sig"), ("gates",))
    check_baseline_named(rules, gates.against)
    against = None
    if gates.against is not None:
        against = find_baseline(path.parent / gates.against if gates.against.endswith(".json") else gates.against)
    return PlanGates(tuple(rules), against, gates.undecided)


def check_baseline_of_plan(gates: PlanGates, endpoints: "Sequence[Endpoint]", settings: dict[str, Any]) -> None:
    """Raise PlanError for a baseline of another plan than these arguments make: before anything is spent on it."""
    from byok_bench.report.gates.baselines import check_same_plan

    if gates.against is not None:
        check_same_plan(make_asked_plan(endpoints, settings), gates.against)


def judge_plan_gates(run: "Run", gates: PlanGates, as_json: bool) -> tuple[dict[str, Any], Exit]:
    """Judge a run by its plan's gates and print the lines, on stderr beside JSON: the document, and the exit code."""
    from byok_bench.cli.gates import CODES, count_undecided_as, make_gate_document, print_judged, write_gate_files
    from byok_bench.report.gates.judged_rules import conclude
    from byok_bench.report.gates.looks import judge_looked_at
    from byok_bench.report.gates.verdicts import gate

    found = (judge_looked_at if gates.is_looked_at else gate)(run, gates.rules, gates.against)
    judged = [count_undecided_as(one, gates.undecided) for one in found]
    against = None if gates.against is None else gates.against.name
    verdict = conclude(judged)
    print_judged(judged, to_stderr=as_json)
    write_gate_files(run, judged, against, None, None)
    return make_gate_document(run, judged, against, verdict), CODES[verdict]
