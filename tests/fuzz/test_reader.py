"""Damaged streams of the corpus, in every dialect: reading and judging never raise, and cuts mean nothing."""

import json
from typing import Any

import msgspec
import pytest
from support.fuzzing import CUTS, LONGEST_S, Cut, damaged, for_a_while, made

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.chat.common_events import CommonEvents
from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.failures import KINDS, PHASES

pytestmark = pytest.mark.timeout(LONGEST_S)


def judged(seen: Exchange) -> dict[str, Any]:
    """All that is read from an exchange, stamps aside."""
    document = seen.to_json(run_checks(seen))
    for timed in ("timing_ms", "response"):
        document.pop(timed)
    events = [(event.offset, event.name, event.data) for event in seen.events]
    marks = [(kind, event) for _, kind, event in seen.reading.marks]
    return {**document, "events": events, "marks": marks}


@for_a_while(0.25, damaged())
def test_reading_and_judging_never_raise(given: dict[str, Any]) -> None:
    """Whatever came, there are output, error, timing, events and findings, all fit to be stored and sent on."""
    seen = made(**given)
    findings = run_checks(seen)
    assert seen.error is None or (seen.error.kind in KINDS and seen.error.phase in PHASES)
    for finding in findings:
        assert finding.event is None or 0 <= finding.event < len(seen.events)
        assert finding.offset is None or 0 <= finding.offset <= len(seen.reading.body.data)
        assert 0 < len(finding.message) < 2_000
    assert len({finding.check for finding in findings}) == len(findings)
    for one in (seen.timing.ttfb, seen.timing.ttft, seen.timing.e2e, *seen.timing.itl):
        assert one is None or one >= 0
    document = seen.to_json(findings)
    json.dumps(document, allow_nan=False)
    document.pop("request")  # what the user sent may hold what UTF-8 has no form for
    msgspec.json.encode(document)
    repr(seen)


@for_a_while(0.20, damaged(), CUTS)
def test_cuts_mean_nothing(given: dict[str, Any], cut: Cut) -> None:
    """However the bytes are spread over reads, everything but the stamps is the same."""
    assert judged(made(**given, cut=cut)) == judged(made(**given))


@for_a_while(0.10, damaged(("chat",)))
def test_the_short_way_for_common_chunks_is_invisible(given: dict[str, Any]) -> None:
    """What is decoded into a typed shape is read as if it had gone the general way."""
    short = judged(made(**given))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CommonEvents, "take", lambda _self, _events, number: number)
        assert judged(made(**given)) == short
