"""Every case as a record, its bytes cut in several ways: the reader and the rules without sockets."""

import pytest
from support.cases import Case
from support.corpus import PASSIVE, differences
from support.records import Cut, cuts, exchanges

RECORDED = [
    pytest.param(case, cut, id=f"{case}-{cut.replace(' ', '-')}")
    for case in PASSIVE
    if not case.turns[0].reply.raw
    for cut in cuts(case)
]


@pytest.mark.parametrize(("case", "cut"), RECORDED)
def test_a_record_reads_as_its_case_says(case: Case, cut: Cut) -> None:
    """However the bytes are cut, findings, output and failure are those of the case."""
    (seen,) = exchanges(case, cut)
    assert differences(case, seen) == []
