from typing import Any

import pytest
from support.typed_cases import exchange_of, table

from byok_bench.checks.registry import run_checks


@pytest.mark.parametrize("case", table("responses"))
def test_findings_are_true_and_minimal(case: dict[str, Any]) -> None:
    """A stream of the Responses API gets exactly the findings of its case; nothing is said of a sound one."""
    found = [finding for finding in run_checks(exchange_of(case, "responses")) if finding.severity != "info"]
    assert sorted(finding.check for finding in found) == sorted(case.get("findings", []))


def test_a_finding_points_at_the_event_that_breaks_the_rule() -> None:
    """The place is the event that repeats a number, not the one before."""
    events = [{"type": "response.created", "sequence_number": number} for number in (0, 1, 1)]
    found = {one.check: one for one in run_checks(exchange_of({"events": events}, "responses"))}
    assert found["responses.sequence"].event == 2
    assert found["responses.sequence"].offset == 2 * len(
        'event: response.created\ndata: {"type": "response.created", "sequence_number": 0}\n\n'
    )
