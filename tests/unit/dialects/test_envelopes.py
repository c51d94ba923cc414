"""dialects/failures/envelopes.py and missing_answers.py: a 2xx body that is no answer, in words of the server."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chat_records import DONE, EVENT_STREAM, chunk, event, exchange

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.failures.envelopes import find_envelope_error, has_error, load_envelope_forms

JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain; charset=utf-8"}

ENVELOPES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a code and words (Wei-Shaw/sub2api#890)": (
        {"code": 402, "message": "Insufficient balance", "data": None},
        "quota",
        "Insufficient balance",
    ),
    "a code as text": ({"code": "429", "msg": "slow down"}, "rate_limit", "slow down"),
    "a word for a code": ({"code": "InvalidApiKey", "message": "rate limit of key"}, "auth", "limit"),
    "success false and a list (Cloudflare)": (
        {"success": False, "errors": [{"code": 7003, "message": "no such route here"}], "result": None},
        "server",
        "no such route here",
    ),
    "success false alone": ({"success": False, "message": "too many requests"}, "rate_limit", "too many"),
    "a status that says so": ({"status": "error", "message": "overloaded, come back"}, "overloaded", "overl"),
    "a problem document (RFC 9457)": (
        {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "not yours"},
        "permission",
        "not yours",
    ),
    "error is a number": ({"error": 402, "message": "Payment needed"}, "quota", "Payment"),
    "error is true": ({"error": True, "message": "too many requests"}, "rate_limit", "too many"),
    "error is a list": ({"error": [{"code": 503, "message": "no instance"}]}, "overloaded", "no instance"),
    "the type of an error (AWS)": (
        {"__type": "ThrottlingException", "message": "slow down"},
        "rate_limit",
        "slow down",
    ),
    "a wrapper (MiniMax)": (
        {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
        "rate_limit",
        "rate limit",
    ),
    "a wrapper in a wrapper (Tencent)": (
        {"Response": {"Error": {"Code": "LimitExceeded", "Message": "too many requests"}, "RequestId": "1"}},
        "rate_limit",
        "too many",
    ),
    "names of its own (Baidu, chatchat-space/Langchain-Chatchat#1922)": (
        {"error_code": 17, "error_msg": "daily rate limit reached"},
        "rate_limit",
        "daily",
    ),
}


@pytest.mark.parametrize("name", ENVELOPES)
@pytest.mark.parametrize("schema", ["chat", "responses", "messages", "models"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_an_envelope_is_an_error_in_the_servers_words(name: str, schema: str, stream: bool) -> None:
    """In every dialect, asked for as a stream or not, it is classified, and the rule on statuses says so."""
    body, kind, words = ENVELOPES[name]
    seen = exchange(json.dumps(body).encode(), request={"model": "m", "stream": stream}, headers=JSON, schema=schema)
    assert seen.error is not None
    assert seen.error.kind == kind
    assert words in seen.error.message
    assert "error.status-200" in [one.check for one in run_checks(seen)]


EVENTS = [(name, "chat") for name in ENVELOPES] + [
    (name, "responses") for name, (body, *_) in ENVELOPES.items() if "type" not in body
]
"""An event of a typed dialect that has a type of its own is no envelope."""


@pytest.mark.parametrize(("name", "schema"), EVENTS)
def test_an_envelope_as_an_event_is_an_error_of_the_stream(name: str, schema: str) -> None:
    """In an event it ends the stream as any error does, in the server's words."""
    body, kind, words = ENVELOPES[name]
    seen = exchange(event(body) + DONE, schema=schema)
    assert seen.error is not None
    assert seen.error.kind == kind
    assert words in seen.error.message


GOOD: list[Any] = [
    {"code": 0, "message": "ok"},
    {"code": 200, "msg": "success"},
    {"code": "success", "message": "done"},
    {"code": 20000, "message": "OK", "data": [{"id": "m"}]},
    {"code": 20000, "message": "all there", "status": True, "data": {}},
    {"success": True, "message": "done"},
    {"status": "completed", "message": "done"},
    {"message": {"role": "assistant", "content": "Hi"}, "done": True},
    {"code": 402, "message": "Insufficient balance", "choices": [{"message": {"content": "Hi"}}]},
    {"base_resp": {"status_code": 0, "status_msg": ""}},
    {"errors": []},
    {"object": "list", "data": []},
    [],
    "text",
    None,
]


@pytest.mark.parametrize("value", GOOD, ids=str)
def test_what_reports_no_failure_is_no_envelope(value: Any) -> None:
    """A code of success, an answer, or no object at all."""
    assert find_envelope_error(value) is None


def test_a_model_that_is_asked_for_as_a_list_of_models_may_be_there() -> None:
    """A list of models is no envelope."""
    body = {"object": "list", "data": [{"id": "m", "object": "model"}]}
    assert exchange(json.dumps(body).encode(), headers=JSON, schema="models").error is None


SENTENCES = {
    "unsupported model: acme/m-9": "not_found_model",
    "Too Many Requests": "rate_limit",
    "the model acme/m-9 does not exist": "not_found_model",
}


@pytest.mark.parametrize("said", SENTENCES)
@pytest.mark.parametrize("schema", ["chat", "responses", "messages", "models"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_sentence_is_kept_and_classified_by_its_words(said: str, schema: str, stream: bool) -> None:
    """A sentence in place of an answer (HKUDS/nanobot#2289) is the failure's message, on every path."""
    seen = exchange(said.encode(), request={"model": "m", "stream": stream}, headers=TEXT, schema=schema)
    assert seen.error is not None
    assert (seen.error.kind, said in seen.error.message) == (SENTENCES[said], True)


@pytest.mark.parametrize("said", SENTENCES)
@pytest.mark.parametrize("form", [b"%b", b'{"detail":"%b"}', b'{"message":"%b"}'], ids=["text", "detail", "message"])
@pytest.mark.parametrize("end", [DONE, b""], ids=["done", "end of body"])
@pytest.mark.parametrize("schema", ["chat", "responses", "messages"])
def test_a_sentence_in_an_event_is_kept(said: str, form: bytes, end: bytes, schema: str) -> None:
    """Data that is no JSON or an object with a message alone, and nothing of an answer besides."""
    seen = exchange(b"data: " + form % said.encode() + b"\n\n" + end, schema=schema)
    assert seen.error is not None
    assert (seen.error.kind, said in seen.error.message) == (SENTENCES[said], True)


def test_what_a_model_said_is_not_searched_for_words() -> None:
    """Lines of chunks that are no events may speak of rate limits; they are no message of the server."""
    body = json.dumps(chunk({"content": "about the rate limit"})).encode() + b"\n{}\n"
    seen = exchange(body, headers=JSON)
    assert seen.error is not None
    assert seen.error.kind == "protocol"


def test_an_answer_within_an_error_document_is_kept() -> None:
    """What was said before the error is the output."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Half"}, "finish_reason": None}
    body = {"object": "chat.completion", "choices": [choice], "error": {"code": 502, "message": "upstream"}}
    seen = exchange(json.dumps(body).encode(), request={}, headers=JSON)
    assert seen.error is not None
    assert (seen.error.kind, seen.output.text) == ("server", "Half")


def test_an_empty_body_says_so() -> None:
    """Nothing at all where an answer was asked for."""
    seen = exchange(b"", request={}, headers=JSON)
    assert seen.error is not None
    assert "empty" in seen.error.message


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    one.name
                    for kind in ("code", "words", "flag", "wrapper")
                    for one in getattr(load_envelope_forms(), kind)
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_value_can_be_asked(value: Any) -> None:
    """Nothing raises, and an error that is found can be classified."""
    if find_envelope_error(value) is not None:
        assert has_error(value)
        seen = exchange(json.dumps(value).encode(), headers=EVENT_STREAM)
        assert seen.error is not None
