"""dialects/exchange.py and timing.py: the JSON document, and times from stamps."""

import base64
import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import recorded
from support.chat_records import DONE, chunk, event, exchange

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.raw_exchange import Phases

MS = 1_000_000


def timed(*pieces: bytes, phases: Phases | None = None) -> Exchange:
    """An exchange whose pieces arrive at 11, 12, … ms, with the request written at 10 ms."""
    seen = exchange(list(pieces))
    seen.raw.chunks[:] = [((11 + n) * MS, piece) for n, piece in enumerate(pieces)]
    seen.raw.phases = phases or Phases(start=0, written=10 * MS, first_byte=11 * MS, end=99 * MS)
    return seen


ROLE = event(chunk({"role": "assistant", "content": ""}))
THOUGHT = event(chunk({"reasoning_content": "hm"}))
TEXT = event(chunk({"content": "a"}))
CALL = event(chunk({"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f", "arguments": ""}}]}))
ARGUMENTS = event(chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}))
USAGE = event({**chunk(), "choices": [], "usage": {"completion_tokens": 3}})


def test_times_count_from_the_written_request() -> None:
    """First byte, first output of each kind, and the end at [DONE]."""
    times = timed(ROLE, THOUGHT, TEXT, CALL, ARGUMENTS, DONE).timing
    assert (times.ttfb, times.ttft, times.ttft_reasoning, times.ttft_text) == (1, 2, 2, 3)
    assert times.ttft_tool == 5  # the name alone is no arguments
    assert times.e2e == 6


def test_gaps_are_between_deltas_with_output() -> None:
    """Role, name and usage chunks open no gap; two deltas in one read are 0 apart, two kinds in one event are one."""
    both = event(chunk({"content": "a", "reasoning": "b"}))
    times = timed(ROLE, TEXT + TEXT, both, CALL, TEXT, DONE).timing
    assert times.itl == (0, 1, 2)


def test_time_per_token_needs_usage_and_two_tokens() -> None:
    """(last − first) / (tokens − 1), else not observed."""
    assert timed(TEXT, TEXT, TEXT, USAGE, DONE).timing.tpot == 1
    assert timed(TEXT, TEXT, DONE).timing.tpot is None
    assert timed(TEXT, USAGE, DONE).timing.tpot is None


def test_steps_that_did_not_happen_are_none() -> None:
    """A kept-alive connection has no dns, connect and tls; what else passed before the request is queueing."""
    fresh = Phases(start=0, dns_start=1 * MS, dns_end=3 * MS, connect_end=6 * MS, tls_end=10 * MS, written=12 * MS)
    times = timed(TEXT, phases=fresh).timing
    assert (times.dns, times.connect, times.tls, times.queued) == (2, 3, 4, 3)
    times = timed(TEXT, phases=Phases(start=0, written=2 * MS)).timing
    assert (times.dns, times.connect, times.tls, times.queued) == (None, None, None, 2)


def test_without_done_the_end_is_that_of_the_body() -> None:
    """A body that ended on its own, and no response at all."""
    assert timed(TEXT).timing.e2e == 89
    lost = timed()
    lost.raw.head = None
    assert (lost.timing.e2e, lost.timing.ttft) == (None, None)


def test_the_document_has_the_agreed_members() -> None:
    """Version 1: members, their order and their form."""
    seen = timed(TEXT, event(chunk({}, "stop")), USAGE)
    document = json.loads(json.dumps(seen.to_json(run_checks(seen))))
    assert list(document) == [
        "version", "exchange_id", "endpoint", "request", "response", "timing_ms", "output", "error", "findings",
    ]  # fmt: skip
    assert (document["version"], document["exchange_id"]) == (1, "r")
    assert document["endpoint"] == {"label": "l", "base_url": "http://127.0.0.1/v1", "schema": "chat"}
    assert document["request"]["body"] == {"model": "m", "messages": [], "stream": True}
    response = document["response"]
    assert (response["status"], response["http"], response["chunks"], response["events"], response["end"]) == (
        200, "1.1", 3, 3, "eof",
    )  # fmt: skip
    assert response["bytes"] == len(TEXT) + len(event(chunk({}, "stop"))) + len(USAGE)
    assert {
        "dns",
        "connect",
        "tls",
        "ttfb",
        "ttft",
        "ttft_text",
        "ttft_reasoning",
        "ttft_tool",
        "e2e",
        "itl",
    } <= set(document["timing_ms"])
    assert document["output"]["finish_reason"] == "stop"
    assert document["error"] is None
    done = next(one for one in document["findings"] if one["check"] == "stream.done-terminator")
    assert (done["severity"], done["event"], done["offset"]) == ("warn", 2, seen.events[2].offset)


def test_a_failure_is_in_the_document() -> None:
    """The members of a failure are those that are agreed on."""
    error = exchange(b"", status=503).to_json()["error"]
    assert {"kind", "retryable", "retry_after_s", "status", "message", "phase"} <= set(error)


@pytest.mark.parametrize("body", [b"not json", b"\xff", b""])
def test_a_request_that_is_no_json_can_be_shown(body: bytes) -> None:
    """Probes send such bodies."""
    seen = timed(TEXT)
    seen.raw.request = msgspec.structs.replace(seen.raw.request, body=body)
    assert seen.request.body in ("not json", "\ufffd", None)
    assert json.dumps(seen.to_json())


def test_an_exchange_shows_little_of_itself() -> None:
    """The repr has no header, no body and no URL."""
    assert repr(timed(TEXT)) == "Exchange(id='r', label='l', status=200, end='eof')"


def body_of(document: dict[str, Any]) -> list[bytes]:
    """The chunks of a document, as bytes."""
    return [
        base64.b64decode(chunk["base64"]) if "base64" in chunk else chunk["text"].encode()
        for chunk in document["body"]["chunks"]
    ]


@given(st.lists(st.tuples(st.floats(0, 1e4), st.binary(max_size=20)), max_size=6))
def test_a_document_with_bytes_holds_each_of_them_with_its_time(sent: list[tuple[float, bytes]]) -> None:
    """Whatever came, and however it was cut: text where it is UTF-8, else base64."""
    seen = recorded.exchange(recorded.raw_exchange([(round(at), data) for at, data in sent]))
    document = json.loads(json.dumps(seen.to_json(with_bytes=True)))
    assert body_of(document) == [data for _, data in sent]
    chunks = document["body"]["chunks"]
    assert [chunk["t_ms"] for chunk in chunks] == [round(at) for at, _ in sent]
    assert [chunk["offset"] for chunk in chunks] == [
        sum(len(data) for _, data in sent[:position]) for position in range(len(sent))
    ]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_the_offset_of_a_finding_is_one_of_the_bytes(coding: str) -> None:
    """Also where the body was compressed: offsets count what was read."""
    good, bad = recorded.chunk({"role": "assistant", "content": "Hel"}), b"data: {no json\n\n"
    whole = good + bad
    wire = gzip.compress(whole) if coding == "gzip" else whole
    raw = recorded.raw_exchange([(1, wire[:9]), (2, wire[9:])], headers=[("content-encoding", coding)])
    seen = recorded.exchange(raw)
    document = seen.to_json(run_checks(seen), with_bytes=True)
    (found,) = [one for one in document["findings"] if one["check"] == "stream.json-parse"]
    assert document["body"]["decoded"]
    assert b"".join(body_of(document))[found["offset"] :] == bad


def test_a_coding_that_cannot_be_undone_is_shown_as_it_came() -> None:
    """And is said to be."""
    seen = recorded.exchange(recorded.raw_exchange([(1, b"no gzip")], headers=[("content-encoding", "gzip")]))
    document = seen.to_json(with_bytes=True)
    assert (document["body"]["decoded"], body_of(document)) == (False, [b"no gzip"])


def test_a_document_without_bytes_has_none() -> None:
    """They are asked for."""
    assert "body" not in recorded.exchange(recorded.raw_exchange([(1, b"x")])).to_json()
