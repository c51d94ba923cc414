"""The case tables are complete: whoever weakens a rule of the egress verdict fails a case."""

import pytest

from tests.support.egress_cases import cases_of, every_case, failures, load
from tests.support.mutants import MODULES, Mutant, judge_of, mutants, rewritten

TABLE = load("mutants")
EQUIVALENT = {name for row in TABLE["equivalent"] for name in row["mutants"]}


TABLE_OF = {
    "addresses": "addresses",
    "hosts": "urls",
    "base_urls": "urls",
    "policy_lists": "policies",
    "verdicts": "decisions",
}
"""Module → the table whose cases are most about it; they go first."""
EVERY_CASE = every_case()
CASES = {module: [*cases_of(table), *EVERY_CASE] for module, table in TABLE_OF.items()}


def is_noticed(mutant: Mutant) -> bool:
    """Whether any case fails with the mutant's judge; that case then goes first, for the mutants next to this one."""
    judge, cases = judge_of(mutant), CASES[mutant.module]
    for place, case in enumerate(cases):
        if failures(case, judge):
            cases.insert(0, cases.pop(place))
            return True
    return False


@pytest.mark.parametrize("module", MODULES)
def test_every_change_of_a_rule_fails_a_case(module: str) -> None:
    """No condition, table entry, step or bound can be changed without a case that fails."""
    everyone = list(mutants(module))
    unnoticed = [str(one) for one in everyone if str(one) not in EQUIVALENT and not is_noticed(one)]
    assert unnoticed == []
    assert {name for name in EQUIVALENT if name.startswith(f"{module}:")} <= {str(one) for one in everyone}


@pytest.mark.parametrize("row", TABLE["rewrite"], ids=lambda row: f"{row['module']}: {row['old']} as {row['new']}")
def test_every_change_of_a_pattern_fails_a_case(row: dict[str, str]) -> None:
    """No pattern can be changed without a case that fails."""
    assert is_noticed(rewritten(row["module"], row["old"], row["new"]))
