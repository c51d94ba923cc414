"""What the simulator emits parses strictly by the types of the OpenAI and Anthropic SDKs, whatever is asked."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.asking import ANTHROPIC, PATHS, ask, question
from support.sdk_types import problems, problems_of
from support.valid_bodies import BODIES, spoiled_body

from byok_bench.backends.simulator.server import Simulator

OPENAI: dict[str, str] = {}


@pytest.mark.parametrize("reasoning", [False, True], ids=["plain", "reasoning"])
@pytest.mark.parametrize("dialect", PATHS)
@given(data=st.data())
@settings(max_examples=50)
def test_every_answer_parses_strictly(dialect: str, reasoning: bool, data: st.DataObject) -> None:
    """A request that a correct server has to answer gets nothing that the SDK's types do not know or miss."""
    body = data.draw(BODIES[dialect])
    reply = ask(Simulator(models=["m"], reasoning=reasoning), PATHS[dialect], body)
    assert reply.status == 200, reply.document
    assert problems_of(reply, dialect) == []


@pytest.mark.parametrize("dialect", PATHS)
@given(data=st.data())
@settings(max_examples=150)
def test_what_is_wrong_in_a_request_never_shows_in_an_answer(dialect: str, data: st.DataObject) -> None:
    """With one member made into anything, a request is refused as a client's mistake, or answered strictly."""
    reply = ask(Simulator(models=["m"]), PATHS[dialect], data.draw(spoiled_body(dialect)))
    if reply.status == 200:
        assert problems_of(reply, dialect) == []
    else:
        assert reply.status in (400, 404)


@pytest.mark.parametrize(
    ("path", "headers", "type_"),
    [
        ("/v1/models/m", OPENAI, "openai model"),
        ("/v1/models/m", ANTHROPIC, "anthropic model"),
    ],
)
def test_a_model_parses_strictly(path: str, headers: dict[str, str], type_: str) -> None:
    """Alone as in the list."""
    server = Simulator(models=["m", "other"])
    listed = ask(server, "/v1/models", headers=headers).document["data"]
    assert ask(server, path, headers=headers).document == listed[0]
    assert [problems(one, type_) for one in listed] == [[], []]


MISTAKES: list[tuple[str, Any, dict[str, str]]] = [
    ("/v1/chat/completions", {}, OPENAI),
    ("/v1/chat/completions", {"model": "none", "messages": [{"role": "user", "content": "hi"}]}, OPENAI),
    ("/v1/responses", {"model": "m", "input": "hi", "previous_response_id": "resp_none"}, OPENAI),
    ("/v1/responses/resp_none", None, OPENAI),
    ("/v1/models/none", None, OPENAI),
    ("/v1/nowhere", {}, OPENAI),
    ("/v1/messages", {"model": "m"}, OPENAI),
    ("/v1/messages", None, OPENAI),
    ("/v1/messages/nowhere", {}, OPENAI),
    ("/v1/messages/count_tokens", {"model": "m"}, OPENAI),
    ("/v1/models/none", None, ANTHROPIC),
]


@pytest.mark.parametrize(("path", "body", "headers"), MISTAKES, ids=str)
def test_an_error_parses_strictly(path: str, body: Any, headers: dict[str, str]) -> None:
    """In the envelope of the API that was asked."""
    reply = ask(Simulator(models=["m"]), path, body, headers)
    assert reply.status >= 400
    if "/messages" in path or headers:
        assert problems(reply.document, "anthropic error") == []
    else:
        assert reply.document.keys() == {"error"}
        assert problems(reply.document["error"], "openai error") == []


def test_a_token_count_parses_strictly() -> None:
    """And is what the answer's usage says."""
    server, body = (
        Simulator(models=["m"]),
        {"model": "m", "messages": [{"role": "user", "content": "How long?"}]},
    )
    counted = ask(server, "/v1/messages/count_tokens", body).document
    assert problems(counted, "anthropic count") == []
    answered = ask(server, "/v1/messages", body | {"max_tokens": 9}).document
    assert counted["input_tokens"] == answered["usage"]["input_tokens"] == 3


@pytest.mark.parametrize(
    ("dialect", "change", "said"),
    [
        ("chat", {"created": "now"}, "created"),
        ("chat", {"own": 1}, "unknown member .own"),
        ("responses", {"usage": {"input_tokens": 1}}, "output_tokens"),
        ("messages", {"stop_reason": "stop"}, "stop_reason"),
    ],
)
def test_what_the_types_do_not_know_is_noticed(dialect: str, change: dict[str, Any], said: str) -> None:
    """The measure itself can fail."""
    reply = ask(Simulator(models=["m"]), PATHS[dialect], question(dialect, "hi"))
    reply.document |= change
    assert said in " ".join(problems_of(reply, dialect))
