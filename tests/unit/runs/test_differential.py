"""What a proxy made of answers, from pairs that were written out by hand."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from support.chat_records import chunk, exchange, stream
from support.recorded import exchange as recorded_exchange
from support.recorded import raw_exchange

from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import PlanError
from byok_bench.report.proxy_report import make_proxy_report
from byok_bench.runs.differential.changes import Change, list_changes
from byok_bench.runs.differential.outlines import describe_form, make_outline
from byok_bench.runs.differential.pairs import Pair, select_playable
from byok_bench.scenarios.selection import find_scenarios
from byok_bench.wire.failures import make_failure


def unreached() -> Exchange:
    """A request that no server answered."""
    raw = raw_exchange([], failure=make_failure("network", "connect", "refused"))
    raw.head = None
    return recorded_exchange(raw)


JSON = {"content-type": "application/json"}
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-0123456789",
    "object": "chat.completion",
    "created": 1_760_000_000,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


def whole(document: Any = ANSWER, *, status: int = 200, headers: dict[str, str] = JSON, **members: Any) -> Exchange:
    """A whole answer; `members` are laid over it."""
    body = document | members if isinstance(document, dict) else document
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return exchange(sent, request={"messages": []}, headers=headers, status=status)


def pairs(*sides: tuple[Exchange, Exchange]) -> list[Pair]:
    """Repeats of one request."""
    return [Pair(scenario="s", sample="a", repeat=number, turn=1, a=a, b=b) for number, (a, b) in enumerate(sides)]


def told(*sides: tuple[Exchange, Exchange]) -> list[tuple[str, str, str]]:
    """(place, what, kind) of every change."""
    return [(one.place, one.what, one.kind) for one in list_changes(pairs(*sides))]


def only(found: Sequence[Change]) -> Change:
    """The one change."""
    (change,) = found
    return change


def test_answers_of_one_server_differ_in_nothing() -> None:
    """Ids and times are its own in every answer, and nobody's doing."""
    later = whole(id="chatcmpl-9876543210", created=1_760_000_009)
    assert told((whole(), later), (later, whole())) == []


@pytest.mark.parametrize(
    ("members", "change"),
    [
        ({"timings": {"a": 1}}, ("body", "timings", "added")),
        ({"model": "other"}, ("body", "model", "changed")),
        ({"id": "gen-1"}, ("body", "id", "changed")),
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 1}}, ("body", "usage.total_tokens", "dropped")),
    ],
    ids=["a member more", "another model", "another form of id", "a member less"],
)
def test_a_member_that_is_not_as_it_was_is_told_by_its_path(members: dict[str, Any], change: tuple[str, ...]) -> None:
    """Dropped, added, changed; what is inside a new object is not told beside it."""
    found = told((whole(), whole(**members)), (whole(id="chatcmpl-9876543210"), whole(**members)))
    assert found == [change]


def test_the_order_of_members_is_told_for_those_that_both_have() -> None:
    """A client that shows them in order shows another one."""
    turned = {name: ANSWER[name] for name in reversed(ANSWER)}
    change = only(list_changes(pairs((whole(), whole(turned)))))
    assert (change.kind, change.a.split(", ")[0], change.b.split(", ")[0]) == ("reordered", "id", "usage")


def test_headers_of_one_hop_are_nobodys_change() -> None:
    """Date and length are left out; another header is told."""
    sent = JSON | {"date": "now", "x-region": "eu", "transfer-encoding": "chunked"}
    assert told((whole(), whole(headers=sent))) == [("header", "x-region", "added")]


def test_a_refusal_that_becomes_another_one_is_told_by_status_and_kind() -> None:
    """The bodies of two refusals are compared as well."""
    error = {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}
    other = {"error": {"message": "boom", "type": "api_error"}}
    found = told((whole(error, status=404), whole(other, status=500)))
    assert ("status", "status", "changed") in found
    assert ("failure", "kind of failure", "changed") in found
    assert ("body", "error.code", "dropped") in found


def test_an_answer_beside_a_refusal_is_not_taken_apart() -> None:
    """Every member would be dropped or added."""
    error = {"error": {"message": "no"}}
    assert {place for place, _, _ in told((whole(), whole(error, status=500)))} == {"status", "failure"}


def deltas(*texts: str) -> Exchange:
    """A stream with these texts."""
    said = [chunk({"content": text}) for text in texts]
    return exchange(stream(chunk({"role": "assistant"}), *said, chunk(finish="stop")))


def test_of_an_answer_that_never_came_nothing_is_taken_apart() -> None:
    """Status and failure say it; that it is no stream and no JSON is nothing that a proxy did."""
    silent = unreached()
    assert told((whole(), silent), (whole(), silent)) == [
        ("status", "status", "changed"),
        ("failure", "kind of failure", "changed"),
    ]


def test_what_cannot_be_asked_is_left_out_with_its_reason() -> None:
    """By the rules of a run: a dialect without the notion, a key that is not there, a window that is too small."""
    endpoint = Endpoint(label="a", base_url="http://127.0.0.1:1/v1", models=[Model("m", context_window_tokens=2000)])
    found = find_scenarios(["plain-answer", "events-of-messages", "bad-key", "depths"])
    playable = select_playable(endpoint, found)
    assert [one.name for one in playable.scenarios] == ["plain-answer"]
    reasons = " ".join(playable.left_out.values())
    assert all(word in reasons for word in ("no notion", "uses no key", "the model has one of 2000"))
    with pytest.raises(PlanError, match=r"no sample can be played: bad-key/"):
        select_playable(endpoint, find_scenarios("bad-key"))


def test_tokens_that_come_together_are_merged() -> None:
    """The text is the same, and comes in fewer events."""
    change = only([one for one in list_changes(pairs((deltas("a", "b"), deltas("ab")))) if one.what == "events"])
    assert (change.kind, change.a, change.b) == ("merged", "5", "4")
    assert ("event", "events with output", "split") in told((deltas("ab"), deltas("a", "b")))


def test_what_was_said_differs_by_its_own_name() -> None:
    """Finish reason, text and prompt tokens are answers, not members."""
    found = told((deltas("a"), deltas("b")))
    assert found == [("answer", "text", "changed")]


def test_a_change_counts_its_pairs_and_names_an_exchange_of_each_side() -> None:
    """In which it shows, of those in which it could."""
    change = only(list_changes(pairs((whole(), whole()), (whole(), whole(extra=1)))))
    assert (change.pairs, change.of, change.exchange_a, change.exchange_b) == (1, 2, "r", "r")


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ('"chatcmpl-abc"', '"chatcmpl-…" (12 characters)'),
        ('"abc"', '"…" (3 characters)'),
        ("12", "12"),
        ("null", "null"),
    ],
)
def test_an_id_has_a_form(value: str, form: str) -> None:
    """Its mark and its length; numbers are what they are."""
    assert describe_form(value) == form


@pytest.mark.parametrize("body", [b"", b"<html>", b"data: {\n\n", b"[1, 2]"])
def test_whatever_came_has_an_outline(body: bytes) -> None:
    """Pages, broken JSON and nothing at all are read without raising."""
    make_outline(whole(body))
    make_outline(exchange(body))


def test_the_report_begins_with_sentences_and_holds_the_exchanges_of_changes() -> None:
    """Also where there is nothing to time."""
    report = make_proxy_report("direct", "proxy", ["s"], 1, pairs((whole(), whole(extra=1)), (whole(), whole(extra=1))))
    document = report.to_json()
    assert document["version"] == 2
    assert "It adds 1 member: extra." in document["sentences"]
    assert "Statuses and kinds of failure are the same in all 2 pairs." in document["sentences"]
    assert {one["exchange_id"] for one in document["exchanges"]} == {"r"}
    assert make_proxy_report("a", "b", [], 1, []).sentences == ["Nothing was sent."]
