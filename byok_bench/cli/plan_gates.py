"""Gates of a plan file: read before anything is sent, judged when the run is over."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from byok_bench.cli.console import Exit

if TYPE_CHECKING:
    from byok_bench.report.gates.baselines import Baseline
    from byok_bench.report.gates.rules import Rule
    from byok_bench.runs.results import Run


class PlanGates(NamedTuple):
    """What a plan asks of its run."""

    rules: "tuple[Rule, ...]"
    against: "Baseline | None"
    undecided: str | None


def read_plan_gates(path: Path) -> PlanGates | None:
    """The gates of a plan file; None if it has none. Raises PlanError for rules or a baseline that cannot be had."""
    from byok_bench.report.gates.baselines import find_baseline
    from byok_bench.report.gates.rule_files import parse_rules, resolve_rules
    from byok_bench.runs.planning.plan_file import read_plan

    gates = read_plan(path).gates
    if gates is None:
        return None
    rules: list[Rule] = []
    if gates.rules is not None:
        beside = path.parent / gates.rules
        rules += resolve_rules(beside if beside.exists() or gates.rules.endswith(".toml") else gates.rules)
    if gates.rule:
        rules += parse_rules({"rule": gates.rule}, str(path), path.read_text("utf-8"), ("gates",))
    against = None
    if gates.against is not None:
        against = find_baseline(path.parent / gates.against if gates.against.endswith(".json") else gates.against)
    return PlanGates(tuple(rules), against, gates.undecided)


def judge_plan_gates(run: "Run", gates: PlanGates, as_json: bool) -> tuple[dict[str, Any], Exit]:
    """Judge a run by its plan's gates and print the lines, on stderr beside JSON: the document, and the exit code."""
    from byok_bench.cli.gates import CODES, count_undecided_as, make_gate_document, print_judged, write_gate_files
    from byok_bench.report.gates.judged_rules import conclude
    from byok_bench.report.gates.verdicts import gate

    judged = [count_undecided_as(one, gates.undecided) for one in gate(run, gates.rules, gates.against)]
    against = None if gates.against is None else gates.against.name
    verdict = conclude(judged)
    print_judged(judged, to_stderr=as_json)
    write_gate_files(run, judged, against, None, None)
    return make_gate_document(run, judged, against, verdict), CODES[verdict]
