"""Every case of every page, twice: over real sockets, and as a record with its bytes cut in other places."""

import csv
from pathlib import Path

import pytest
from support.case_server import serving
from support.cases import ANSWERS, IDLE_S, PAGES, STREAMS, Case, load
from support.records import Cut, asked, cuts, exchanges
from support.verdicts import failure_differences, finding_differences, output_differences

from byok_bench.checks.finding import Finding
from byok_bench.checks.probe import Inconclusive, Note, judge_of, probe_named
from byok_bench.checks.registry import catalogue, run_checks
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint, Model
from byok_bench.endpoints.send import get_models, send
from byok_bench.wire.limits import Timeouts

ROWS = list(csv.DictReader(Path(__file__).with_name("catalogue.csv").read_text("utf-8").splitlines()))
PROBES = {row["id"] for row in ROWS if row["mode"] == "probe"}
EVERY = [case for folder in (PAGES, STREAMS, ANSWERS) for case in load(folder)]
PASSIVE = [case for case in EVERY if case.file not in PROBES]
ASKING = [case for case in EVERY if case.file in PROBES]
RECORDED = [
    pytest.param(case, cut, id=f"{case}-{cut.replace(' ', '-')}")
    for case in PASSIVE
    if not case.turns[0].reply.raw
    for cut in cuts(case)
]
PATIENT = Timeouts(connect=5, first_byte=30, idle=30, total=60)
HASTY = Timeouts(connect=5, first_byte=2 * IDLE_S, idle=IDLE_S, total=60)


@pytest.mark.parametrize(("case", "cut"), RECORDED)
def test_a_record_reads_as_its_case_says(case: Case, cut: Cut) -> None:
    """However the bytes are cut, findings, output and failure are those of the case."""
    (seen,) = exchanges(case, cut)
    assert differences(case, seen) == []


@pytest.mark.parametrize("case", PASSIVE, ids=str)
async def test_the_same_over_sockets(case: Case) -> None:
    """A server that sends the bytes of the case, with its pauses and cuts, is read the same way."""
    (turn,) = case.turns
    timeouts = HASTY if turn.reply.stalls else PATIENT
    async with serving([turn.reply]) as server:
        schema = "chat" if case.schema == "models" else case.schema
        endpoint = Endpoint(label="case", base_url=server.base_url, schema=schema, models=[Model("m")])
        if case.schema == "models":
            seen = await get_models(endpoint, timeouts=timeouts)
        else:
            seen = await send(endpoint, asked(turn), timeouts=timeouts)
    assert differences(case, seen, info_may_miss=True) == []


@pytest.mark.parametrize("case", ASKING, ids=str)
def test_a_probe_judges_its_answers_as_the_case_says(case: Case) -> None:
    """From the exchanges in order, a probe finds what the case says and nothing else."""
    probe = probe_named(case.file)
    shown = list(judge_of(probe)(exchanges(case)))
    found = [
        Finding(
            check=probe.id, severity="info" if isinstance(one, Note) else probe.severity, message=one.message
        )
        for one in shown
        if not isinstance(one, Inconclusive)
    ]
    assert list(finding_differences(case, found)) == []


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_the_catalogue_holds_every_rule_as_agreed(row: dict[str, str]) -> None:
    """Each of the 130 ids has a function of its group, mode, severity and scope."""
    known = {one.id: one for one in catalogue()}
    one = known[row["id"]]
    assert (one.group, one.severity, one.mode, one.applies_to) == (
        row["group"],
        row["severity"],
        row["mode"],
        row["applies_to"],
    )


def test_the_catalogue_holds_nothing_else() -> None:
    """A rule that is not in the list would have neither page nor case."""
    assert sorted(one.id for one in catalogue()) == sorted(row["id"] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_every_rule_has_a_bad_and_a_good_case(row: dict[str, str]) -> None:
    """A rule without a bad case may never fire, one without a good case may always fire."""
    mine = [case for case in load(PAGES) if case.file == row["id"]]
    assert any(case.bad for case in mine)
    assert any(not case.bad for case in mine)


def differences(case: Case, seen: Exchange, *, info_may_miss: bool = False) -> list[str]:
    """What of an exchange is not as the case says."""
    return [
        *finding_differences(case, run_checks(seen), info_may_miss=info_may_miss),
        *output_differences(case.output, seen.output),
        *failure_differences(case.failure, seen.error),
    ]
