"""What probes make of good, bad and useless answers, and what they ask."""

from typing import Any

import pytest
from support.probe_cases import answer_of, probe_cases

from byok_bench.checks.probes.probe import ProbeRequest, ProbeTarget, find_probe, get_request_builder
from byok_bench.checks.probes.prober import judge_probe


@pytest.mark.parametrize("case", probe_cases())
def test_a_verdict_is_what_the_answers_prove(case: dict[str, Any]) -> None:
    """A rule that was broken fails, one that was kept passes, and trouble of another kind proves nothing."""
    result = judge_probe(find_probe(case["probe"]), [answer_of(one) for one in case["answers"]])
    told = " ".join([*(one.message for one in result.findings), *result.open_points, *result.notes])
    assert result.verdict == case["verdict"], told
    assert case.get("words", "") in told


def asked(probe: str, *answers: dict[str, Any], **target: Any) -> list[ProbeRequest]:
    """What a probe asks, given these answers in turn."""
    asking = get_request_builder(find_probe(probe))(ProbeTarget(model="m", **target))
    asks = [next(asking)]
    try:
        for answer in answers:
            asks.append(asking.send(answer_of(answer)))
    except StopIteration:
        pass
    return asks


def test_a_wrong_key_that_works_is_told_from_a_server_without_keys() -> None:
    """Only an answer to the wrong key makes the probe ask again, without any key."""
    taken = asked("error.bad-key", {"text": "Hi", "finish": "stop"})
    assert [(one.wrong_key, one.without_key) for one in taken] == [(True, False), (False, True)]
    refused = asked("error.bad-key", {"status": 401, "error": {"message": "no"}})
    assert len(refused) == 1


@pytest.mark.parametrize("probe", ["turn.tool-roundtrip", "turn.null-content"])
def test_a_history_of_our_own_has_ids_that_every_server_takes(probe: str) -> None:
    """A server that is strict about ids is a matter of turn.foreign-tool-id alone."""
    prose = {"text": "Hi", "finish": "stop"}
    ids = {
        call["id"]
        for ask in asked(probe, prose, prose)
        for message in ask.body["messages"]
        for call in message.get("tool_calls", [])
    }
    assert ids
    assert all(len(one) == 9 and one.isalnum() for one in ids)
