"""An answer without an answer passes nowhere: `send` says so, and so do the rungs of the ladder."""

import json
from typing import Any

import pytest
from support.hostile import Peer, chunked, hostile, reply, sized

from byok_bench.checks.ladder.climb import ladder
from byok_bench.cli.console import Exit
from byok_bench.cli.send import choose_exit_code
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import send

JSON = b"content-type: application/json"
TEXT = b"content-type: text/plain"


def whole(choices: Any, **members: Any) -> bytes:
    """A whole answer with these choices."""
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, **members}
    return sized(json.dumps(body).encode(), JSON)


def streamed(*values: Any) -> bytes:
    """A stream of these objects."""
    return chunked(*(b"data: %b\n\n" % json.dumps(value).encode() for value in values), b"data: [DONE]\n\n")


ANSWERS = {
    "a text completion": whole([{"index": 0, "text": "Hi", "finish_reason": "stop"}]),
    "neither message nor delta": whole([{"index": 0, "finish_reason": "stop"}]),
    "no choices": whole([]),
    "a message that says nothing": whole([{"index": 0, "message": {"content": None}, "finish_reason": None}]),
    "an error in the choice": whole(
        [{"index": 0, "message": {"content": "Half"}, "error": {"code": 502, "message": "gone"}}]
    ),
    "a filtered choice": whole([{"index": 0, "finish_reason": "content_filter"}]),
    "a filter that left nothing": whole(
        [{"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": "content_filter"}]
    ),
    "a stream of which a filter left nothing": streamed(
        {"choices": [{"index": 0, "delta": {"role": "assistant"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]},
    ),
    "a code and words": sized(b'{"code":402,"message":"no credit"}', JSON),
    "a sentence": sized(b"model is warming up", TEXT),
    "a list": sized(b'[{"generated_text":"Hi"}]', JSON),
    "nothing": sized(b"", JSON),
    "a stream of a text completion": streamed({"choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]}),
    "a stream without a choice": streamed({"choices": []}),
    "a stream that says nothing": streamed({"choices": [{"index": 0, "delta": {"role": "assistant"}}]}),
    "a stream with an error in the choice": streamed(
        {"choices": [{"index": 0, "delta": {"content": "Half"}, "finish_reason": "error"}]}
    ),
}


def endpoint_at(base_url: str) -> Endpoint:
    return Endpoint(label="odd", base_url=base_url, models=[Model("m")], key=KeyRef.none())


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ANSWERS)
async def test_send_ends_with_the_code_for_no_answer(name: str, stream: bool) -> None:
    """Whatever was asked for and whatever came in its place: there is a failure, and the exit code is 3."""
    async with hostile(reply(ANSWERS[name])) as server:
        exchange = await send(endpoint_at(server.base_url), {"messages": [], "stream": stream})
    assert exchange.error is not None
    assert choose_exit_code(exchange) == Exit.UNFINISHED


@pytest.mark.parametrize("name", ["a text completion", "no choices", "a code and words", "a sentence"])
async def test_the_chat_rung_fails(name: str) -> None:
    """The ladder tells it in the server's words or in ours, and does not call it an answer."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(ANSWERS[name])

    async with hostile(script) as server:
        report = await ladder(endpoint_at(server.base_url))
    assert report["chat"].verdict == "fail"
    assert "Answered" not in report["chat"].advice
