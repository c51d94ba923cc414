"""The catalogue is the agreed one, every rule has its cases, and every probe judges as they say."""

import pytest
from support.cases import PAGES, Case, load
from support.corpus import ASKING, ROWS
from support.records import exchanges
from support.verdicts import finding_differences

from byok_bench.checks.finding import Finding
from byok_bench.checks.probe import Inconclusive, Note, judge_of, probe_named
from byok_bench.checks.registry import catalogue

IDS = [row["id"] for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_rule_is_as_agreed(row: dict[str, str]) -> None:
    """Each id has a function of its group, mode, severity and scope."""
    one = {one.id: one for one in catalogue()}[row["id"]]
    assert {name: getattr(one, name) for name in row} == row


def test_there_are_no_other_rules() -> None:
    """A rule that is not in the list would have neither page nor case."""
    assert sorted(one.id for one in catalogue()) == sorted(IDS)


@pytest.mark.parametrize("rule", IDS)
def test_every_rule_has_a_bad_and_a_good_case(rule: str) -> None:
    """A rule without a bad case may never fire, one without a good case may always fire."""
    mine = [case for case in load(PAGES) if case.file == rule]
    assert any(case.bad for case in mine)
    assert any(not case.bad for case in mine)


@pytest.mark.parametrize("case", ASKING, ids=str)
def test_a_probe_judges_its_answers_as_the_case_says(case: Case) -> None:
    """From the exchanges in order, a probe finds what the case says and nothing else."""
    probe = probe_named(case.file)
    found = [
        Finding(
            check=probe.id, severity="info" if isinstance(one, Note) else probe.severity, message=one.message
        )
        for one in judge_of(probe)(exchanges(case))
        if not isinstance(one, Inconclusive)
    ]
    assert list(finding_differences(case, found)) == []
