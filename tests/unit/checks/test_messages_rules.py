from typing import Any

import pytest
from support.typed_cases import exchange_of, table

from byok_bench.checks.registry import run_checks


@pytest.mark.parametrize("case", table("messages"))
def test_findings_are_true_and_minimal(case: dict[str, Any]) -> None:
    """A stream of the Messages API gets exactly the findings of its case; nothing is said of a sound one."""
    found = [finding for finding in run_checks(exchange_of(case, "messages")) if finding.severity != "info"]
    assert sorted(finding.check for finding in found) == sorted(case.get("findings", []))
