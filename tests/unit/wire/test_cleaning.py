"""Keys are taken out of what came back, however JSON wrote them and however a model streamed them."""

import json
import tracemalloc
from collections.abc import Callable, Sequence
from urllib.parse import quote

import pytest

from byok_bench.wire.cleaning.records import clean_record, clean_stream
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawHead, RawRequest

KEY = 'sk-clean/Ab+"cD\\eF=12'
GO = KEY.replace("=", "\\u003d").replace('"', '\\"').replace("\\e", "\\\\e")
ARGUMENTS = json.dumps({"key": f"the key is {KEY}."})
SPELLED = "".join(f"\\u{ord(character):04x}" for character in KEY)


def record(*chunks: bytes, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> RawExchange:
    """An exchange of which this came back."""
    head = RawHead(status=status, http="1.1", headers=(("content-type", "text/event-stream"), *headers))
    return RawExchange(
        request=RawRequest(id="1", method="POST", url="http://127.0.0.1/v1", headers=(), body=b""),
        phases=Phases(start=0),
        head=head,
        chunks=[(at, chunk) for at, chunk in enumerate(chunks)],
    )


def event(delta: dict[str, object]) -> bytes:
    return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode()


def body(raw: RawExchange) -> str:
    return b"".join(data for _, data in raw.chunks).decode()


IN_ONE_PIECE = {
    "as JSON writes it": json.dumps({"content": f"the key is {KEY}."}),
    "with its slash escaped": json.dumps({"content": f"the key is {KEY}."}).replace("/", "\\/"),
    "as Go and Java write it": f'{{"content": "the key is {GO}."}}',
    "every character escaped": f'{{"content": "the key is {SPELLED}."}}',
    "in tool arguments": json.dumps({"arguments": ARGUMENTS}),
    "in tool arguments, its slash escaped": json.dumps({"arguments": ARGUMENTS}).replace("/", "\\/"),
}


@pytest.mark.parametrize("name", IN_ONE_PIECE)
def test_a_key_is_found_as_json_wrote_it(name: str) -> None:
    """Whatever JSON does to its characters, the key is replaced, the rest stays, and the record is marked."""
    text = f"data: {IN_ONE_PIECE[name]}\n\n"
    raw = record(text[:40].encode(), text[40:].encode())
    clean_record(raw, [KEY])
    assert "the key is [redacted]." in body(raw)
    assert raw.flags == ["redacted"]
    assert json.loads(body(raw).removeprefix("data: "))


PIECES = [KEY[at : at + 3] for at in range(0, len(KEY), 3)]
STREAMS = {
    "chat": [event({"content": piece}) for piece in ["It is ", *PIECES, "."]],
    "reasoning": [event({"reasoning_content": piece}) for piece in ["It is ", *PIECES, "."]],
    "tool arguments": [
        event({"tool_calls": [{"index": 0, "function": {"arguments": json.dumps(piece)[1:-1]}}]})
        for piece in ['{"key": "It is ', *PIECES, '."}']
    ],
    "responses": [
        b"data: %b\n\n" % json.dumps({"type": "response.output_text.delta", "delta": piece}).encode()
        for piece in ["It is ", *PIECES, "."]
    ],
    "messages": [
        b"data: %b\n\n" % json.dumps({"delta": {"type": "text_delta", "text": piece}}).encode()
        for piece in ["It is ", *PIECES, "."]
    ],
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_key_is_found_that_a_model_wrote_token_by_token(name: str) -> None:
    """A key over several events is replaced in the first and gone from the others; every event stays JSON."""
    raw = record(*STREAMS[name])
    clean_record(raw, [KEY])
    assert raw.flags == []
    clean_stream(raw, [KEY])
    assert raw.flags == ["redacted"]
    assert len(raw.chunks) == len(STREAMS[name])
    events = [json.loads(data.removeprefix(b"data: ")) for _, data in raw.chunks]
    assert "[redacted]" in str(events[1])
    assert not any(piece in str(one) for one in events[2:] for piece in PIECES if len(piece) > 2)


OTHERS = ["One ", "two ", "three ", "four ", "five ", "six ", "seven ", "eight "]


def turns(write: Callable[[int, str], bytes]) -> list[bytes]:
    """Two texts by turns: the key in pieces at place 0, other words at place 1."""
    return [write(place, text) for pair in zip(PIECES, OTHERS, strict=False) for place, text in enumerate(pair)]


def written(value: object) -> bytes:
    """A value as the data of one event."""
    return b"data: %b\n\n" % json.dumps(value).encode()


BY_TURNS = {
    "choices": turns(lambda place, text: written({"choices": [{"index": place, "delta": {"content": text}}]})),
    "choices with the index at the end": turns(
        lambda place, text: written({"choices": [{"delta": {"content": text}, "index": place}]})
    ),
    "choices in one event": [
        written({"choices": [{"index": 0, "delta": {"content": a}}, {"index": 1, "delta": {"content": b}}]})
        for a, b in zip(PIECES, OTHERS, strict=False)
    ],
    "tool calls": turns(lambda place, text: event({"tool_calls": [{"index": place, "function": {"arguments": text}}]})),
    "items": turns(lambda place, text: written({"item_id": f"msg_{place}", "delta": text})),
    "blocks": turns(lambda place, text: written({"index": place, "delta": {"type": "text_delta", "text": text}})),
}


@pytest.mark.parametrize("name", BY_TURNS)
def test_a_key_is_found_that_comes_by_turns_with_another_text(name: str) -> None:
    """A reader puts each choice, call, item and block together by itself, and would read the key."""
    raw = record(*BY_TURNS[name])
    clean_stream(raw, [KEY])
    assert raw.flags == ["redacted"]
    left = b"".join(data for _, data in raw.chunks).decode()
    assert not any(json.dumps(piece)[1:-1] in left for piece in PIECES if len(piece) > 2)
    assert all(word in left for word in OTHERS[: len(PIECES)])


def test_an_error_inside_a_good_answer_is_redacted_as_a_text() -> None:
    """Errors echo keys in disguise, also behind status 200; other lines are searched for exact keys alone."""
    disguised = quote(KEY, safe="")
    raw = record(
        event({"content": disguised}),
        b'data: {"error": null, "content": "%b"}\n\n' % disguised.encode(),
        b'data: {"error": {"message": "Incorrect API key: %b"}}\n\n' % disguised.encode(),
    )
    clean_record(raw, [KEY])
    assert [disguised.encode() in data for _, data in raw.chunks] == [True, True, False]
    assert b'"Incorrect API key: [redacted]"' in raw.chunks[2][1]


@pytest.mark.parametrize("form", [KEY, quote(KEY, safe=""), f"Bearer {KEY}", KEY.encode().hex()])
def test_response_headers_are_redacted(form: str) -> None:
    """A server may put the key into any header, in any form; the others stay as they are."""
    raw = record(headers=[("x-request-id", "a1b2"), ("x-seen", f"you sent {form} to us")])
    clean_record(raw, [KEY])
    assert raw.head is not None
    assert raw.head.headers[1:] == (("x-request-id", "a1b2"), ("x-seen", raw.head.headers[2][1]))
    assert KEY not in raw.head.headers[2][1]
    assert "[redacted]" in raw.head.headers[2][1]
    assert raw.flags == ["redacted"]


def test_the_value_of_a_cookie_is_not_kept() -> None:
    """That one came can be seen; its value opens a session of the gateway's, and no key was found in the answer."""
    raw = record(b"data: [DONE]\n\n", headers=[("set-cookie", "session=abc123; Path=/"), ("server", "nginx")])
    clean_record(raw, [])
    assert raw.head is not None
    assert raw.head.headers[1:] == (("set-cookie", "[redacted]"), ("server", "nginx"))
    assert raw.flags == []


@pytest.mark.parametrize("secrets", [[], [KEY], ["ab"]])
def test_what_holds_no_key_is_kept_to_the_byte(secrets: list[str]) -> None:
    """Escapes, errors and words that begin like the key change nothing."""
    chunks = [
        event({"content": 'sk-clean/Ab is a path \\ \u00e9 " <b>'}),
        b'data: {"x": "\\u003cb\\u003e"}\n',
        b"\n",
        b'data: {"error": {"message": "Incorrect API key"}}\n\n',
    ]
    raw = record(*chunks, headers=[("x-request-id", "sk-clean")])
    clean_record(raw, secrets)
    clean_stream(raw, secrets)
    assert [data for _, data in raw.chunks] == chunks
    assert raw.flags == []


@pytest.mark.parametrize("end", [b"", b'"}'])
def test_a_long_text_costs_little_more_than_itself(end: bytes) -> None:
    """One string of millions of characters, closed or cut, is searched without a note for each of them."""
    raw = record(b'data: {"content": "' + b"a" * 4_000_000 + end)
    tracemalloc.start()
    try:
        clean_stream(raw, [KEY])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000
