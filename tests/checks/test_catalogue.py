"""The catalogue is the agreed one, every rule has its cases, and every probe judges as they say."""

import pytest
from support.cases import PAGES, Case, load
from support.corpus import ASKING, ROWS
from support.records import exchanges
from support.verdicts import finding_differences

from byok_bench.checks.finding import Finding
from byok_bench.checks.probes.probe import Inconclusive, Note, find_probe, get_judge
from byok_bench.checks.registry import list_answer_forms, load_catalogue
from byok_bench.wire.bodies import bounded_json

IDS = [row["id"] for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_rule_is_as_agreed(row: dict[str, str]) -> None:
    """Each id has a function of its group, mode, severity and scope."""
    one = {one.id: one for one in load_catalogue()}[row["id"]]
    assert {name: getattr(one, name) for name in row} == row


def test_there_are_no_other_rules() -> None:
    """A rule that is not in the list would have neither page nor case."""
    assert sorted(one.id for one in load_catalogue()) == sorted(IDS)


@pytest.mark.parametrize("rule", IDS)
def test_every_rule_has_a_bad_and_a_good_case(rule: str) -> None:
    """A rule without a bad case may never fire, one without a good case may always fire."""
    mine = [case for case in load(PAGES) if case.file == rule]
    assert any(case.bad for case in mine)
    assert any(not case.bad for case in mine)


SCOPED = [
    pytest.param(one.id, schema, streamed, id=f"{one.id}-{schema}-{'streamed' if streamed else 'whole'}")
    for one in load_catalogue()
    if one.mode == "passive" and one.applies_to != "any"
    for schema, streamed in list_answer_forms(one)
]


@pytest.mark.parametrize(("rule", "schema", "streamed"), SCOPED)
def test_every_scope_of_a_rule_has_a_bad_and_a_good_case(rule: str, schema: str, streamed: bool) -> None:
    """A rule that never sees one sort of answer would be silent there, and nobody would know."""
    mine = [
        case
        for case in load(PAGES)
        if case.file == rule and case.schema == schema and _asks_to_stream(case) == streamed
    ]
    assert any(case.bad for case in mine)
    assert any(not case.bad for case in mine)


def _asks_to_stream(case: Case) -> bool:
    request = bounded_json.decode_json(case.turns[0].request)
    return isinstance(request, dict) and request.get("stream") is True


@pytest.mark.parametrize("case", ASKING, ids=str)
def test_a_probe_judges_its_answers_as_the_case_says(case: Case) -> None:
    """From the exchanges in order, a probe finds what the case says and nothing else."""
    probe = find_probe(case.file)
    found = [
        Finding(check=probe.id, severity="info" if isinstance(one, Note) else probe.severity, message=one.message)
        for one in get_judge(probe)(exchanges(case))
        if not isinstance(one, Inconclusive)
    ]
    assert list(finding_differences(case, found)) == []
