"""All cases of the repository, and what of an exchange differs from its case."""

import csv

from support.cases import ANSWERS, PAGES, STREAMS, Case, load
from support.verdicts import failure_differences, finding_differences, output_differences

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.exchange import Exchange

ROWS = list(csv.DictReader((PAGES.parent / "catalogue.csv").read_text("utf-8").splitlines()))
"""The agreed facts of each rule: id, group, severity, mode, applies_to."""
_PROBES = {row["id"] for row in ROWS if row["mode"] == "probe"}
_EVERY = [case for folder in (PAGES, STREAMS, ANSWERS) for case in load(folder)]
PASSIVE = [case for case in _EVERY if case.file not in _PROBES]
"""Cases of one exchange each."""
ASKING = [case for case in _EVERY if case.file in _PROBES]
"""Cases of probes: the exchanges in the order in which they were asked for."""


def differences(case: Case, seen: Exchange, *, info_may_miss: bool = False) -> list[str]:
    """What of an exchange is not as the case says."""
    return [
        *finding_differences(case, run_checks(seen), info_may_miss=info_may_miss),
        *output_differences(case.output, seen.output),
        *failure_differences(case.failure, seen.error),
    ]
