"""The simulator keeps every rule, in all dialects and forms; its profiles and replays say what they are."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jsonschema
import openai
import pytest
from support.simulated import KEY, QUESTION, SCHEMA, body_for, tool

from byok_bench.backends.backend import BackendError
from byok_bench.backends.simulator.profiles import HEADER, PROFILES
from byok_bench.backends.simulator.replay import Recording, Replay
from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.probes.probe import list_probes
from byok_bench.checks.probes.prober import Prober
from byok_bench.checks.registry import run_checks
from byok_bench.cli.serve import to_recording
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.send import list_models, send
from byok_bench.wire.client import Client

FORMS = [
    (route, needs)
    for route in ("chat", "responses", "messages")
    for form in ((), ("tools",), ("json_schema", "include_usage"))
    for needs in (form, (*form, "document"))
    if route == "chat" or "json_schema" not in form
]


def quick(**settings: Any) -> Simulator:
    """A simulator without waits."""
    return Simulator(ttft_ms=0, gap_ms=0, **settings)


def ids(exchange: Exchange) -> list[str]:
    """Everything that is found, remarks included."""
    return [one.check for one in run_checks(exchange)]


@pytest.mark.parametrize("reasoning", [False, True], ids=["plain", "reasoning"])
@pytest.mark.parametrize(("route", "needs"), FORMS, ids=str)
async def test_good_answers_break_no_rule(route: str, needs: tuple[str, ...], reasoning: bool) -> None:
    """Streamed or whole, with tools or a schema, in every dialect: not even a remark."""
    async with quick(reasoning=reasoning, api_key=KEY) as server:
        exchange = await send(server.get_endpoint(route), body_for(route, *needs))  # type: ignore[arg-type]
    assert exchange.error is None
    assert ids(exchange) == []
    assert exchange.output.text or exchange.output.tool_calls
    assert bool(exchange.output.reasoning) == reasoning


@pytest.mark.parametrize("max_tokens", [1, 2, 3])
@pytest.mark.parametrize(("route", "needs"), FORMS, ids=str)
async def test_cut_answers_break_no_rule(route: str, needs: tuple[str, ...], max_tokens: int) -> None:
    """An answer that max_tokens cut says length, and nothing else is wrong with it."""
    field = "max_output_tokens" if route == "responses" else "max_tokens"
    async with quick() as server:
        body = body_for(route, *needs) | {field: max_tokens}
        exchange = await send(server.get_endpoint(route), body)  # type: ignore[arg-type]
    assert ids(exchange) == []
    assert exchange.output.finish_reason == "length"


async def test_several_choices_break_no_rule() -> None:
    """With n=3 there are three choices, each with its own end."""
    async with quick() as server:
        exchange = await send(server.endpoint, body_for("chat", "include_usage") | {"n": 3})
    assert ids(exchange) == []
    assert {one["index"] for chunk in chunks_of(exchange) for one in chunk["choices"]} == {0, 1, 2}


def chunks_of(exchange: Exchange) -> list[Any]:
    """The JSON payloads of a stream."""
    return [json.loads(event.data) for event in exchange.events if event.data != "[DONE]"]


async def test_all_probes_pass() -> None:
    """A server that reasons passes every probe of the catalogue, none is left open."""
    async with Simulator(reasoning=True, api_key=KEY) as server, Client() as client:
        prober = Prober(server.endpoint, server.models[0], client=client, profile="local")
        results = [await prober.run(one) for one in list_probes()]
    assert {one.probe.id: one.verdict for one in results if one.verdict != "pass"} == {}
    assert [note for one in results for note in one.notes] == []


async def test_the_models_are_listed() -> None:
    """GET /models keeps the rules and names what is served."""
    async with quick(models=["one", "two"]) as server:
        exchange = await list_models(server.endpoint)
    assert ids(exchange) == []
    assert [model["id"] for model in json.loads(exchange.raw.chunks[0][1])["data"]] == ["one", "two"]


async def test_arguments_and_answers_come_from_the_question() -> None:
    """A tool is called with names and numbers of the question; its result stands in the answer."""
    async with quick() as server:
        first = await send(server.endpoint, body_for("chat", "tools"))
        (call,) = first.output.tool_calls
        assert json.loads(call.arguments) == {"city": "Paris", "days": 3}
        function = {"name": call.name, "arguments": call.arguments}
        called = {"id": call.id, "type": "function", "function": function}
        history = [
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": call.id, "content": "12.5 degrees"},
        ]
        second = await send(server.endpoint, body_for("chat", "tools") | {"messages": history})
    assert "12.5 degrees" in second.output.text
    assert second.output.finish_reason == "stop"


async def test_the_tool_that_fits_the_question_is_called() -> None:
    """Of two tools the one whose name or description shares words with the question is chosen."""
    other = tool("chat", "send_money") | {}
    other["function"] = other["function"] | {"description": "Pay somebody"}
    async with quick() as server:
        body = body_for("chat", "tools") | {"tools": [other, tool("chat")]}
        exchange = await send(server.endpoint, body)
    assert [call.name for call in exchange.output.tool_calls] == ["get_weather"]


async def test_structured_output_obeys_its_schema() -> None:
    """The text of a json_schema answer fits the schema."""
    async with quick() as server:
        exchange = await send(server.endpoint, body_for("chat", "json_schema"))
    jsonschema.validate(json.loads(exchange.output.text), SCHEMA)


def messages(*entries: dict[str, Any]) -> dict[str, Any]:
    """A chat body of these messages."""
    return {"messages": list(entries)}


USER = {"role": "user", "content": "hi"}
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "messages missing": ({}, 400, "invalid_request"),
    "messages a text": ({"messages": "hi"}, 400, "invalid_request"),
    "no messages": (messages(), 400, "invalid_request"),
    "unknown role": (messages({"role": "robot", "content": "hi"}), 400, "invalid_request"),
    "content a number": (messages({"role": "user", "content": 3}), 400, "invalid_request"),
    "content missing": (messages({"role": "user"}), 400, "invalid_request"),
    "orphan result": (
        messages(USER, {"role": "tool", "tool_call_id": "x", "content": "1"}),
        400,
        "invalid_request",
    ),
    "stream a text": (messages(USER) | {"stream": "yes"}, 400, "invalid_request"),
    "temperature too high": (messages(USER) | {"temperature": 3}, 400, "invalid_request"),
    "no tokens": (messages(USER) | {"max_tokens": 0}, 400, "invalid_request"),
    "tools an object": (messages(USER) | {"tools": {}}, 400, "invalid_request"),
    "nameless tool": (
        messages(USER) | {"tools": [{"type": "function", "function": {}}]},
        400,
        "invalid_request",
    ),
    "a choice without tools": (messages(USER) | {"tool_choice": "required"}, 400, "invalid_request"),
    "an unknown format": (messages(USER) | {"response_format": {"type": "xml"}}, 400, "invalid_request"),
    "too many choices": (messages(USER) | {"n": 99}, 400, "invalid_request"),
    "unknown model": (messages(USER) | {"model": "gpt-9"}, 404, "not_found_model"),
    "prompt too long": (messages({"role": "user", "content": "word " * 200}), 400, "context_length"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", REFUSED)
async def test_mistakes_are_refused_in_the_right_form(mistake: str) -> None:
    """A client's mistake gives its 4xx in the envelope of OpenAI; no rule of error answers is broken."""
    body, status, kind = REFUSED[mistake]
    async with quick(context=100) as server:
        exchange = await send(server.endpoint, body)
    assert exchange.error is not None
    assert (exchange.error.status, exchange.error.kind) == (status, kind)
    assert ids(exchange) == []


@pytest.mark.parametrize("route", ["chat", "responses", "messages"])
async def test_a_wrong_key_gives_401_in_every_dialect(route: str) -> None:
    """The key is demanded on every route, and refused in the route's own envelope."""
    async with quick() as server:
        server.api_key = KEY
        exchange = await send(server.get_endpoint(route), body_for(route))  # type: ignore[arg-type]
        assert exchange.error is None
        server.api_key = "sk-another-key-0123456789"
        exchange = await send(server.get_endpoint(route), body_for(route))  # type: ignore[arg-type]
    assert exchange.error is not None
    assert exchange.error.kind == "auth"
    assert ids(exchange) == []


async def test_the_schedule_is_kept() -> None:
    """First output not before ttft_ms; gaps not shorter on average than gap_ms."""
    async with Simulator(ttft_ms=60, gap_ms=15, tokens=8) as server:
        exchange = await send(server.endpoint, body_for("chat"))
    marks = [mark[0] for mark in exchange.reading.marks]
    assert len(marks) == 8
    assert marks[0] - (exchange.raw.phases.written or 0) >= 59e6
    assert marks[-1] - marks[0] >= 7 * 14e6
    assert all(later >= earlier for earlier, later in pairwise(marks))


async def test_a_prompt_can_ask_for_a_length() -> None:
    """`… 200 words` makes an answer of 200 pieces, so that long streams need no setting."""
    async with quick() as server:
        body = body_for("chat") | messages({"role": "user", "content": "Write 200 words about rain."})
        exchange = await send(server.endpoint, body)
    assert len(exchange.reading.marks) == 200


async def test_the_openai_sdk_reads_the_same() -> None:
    """OpenAI's own SDK assembles text, calls and usage as we do."""
    async with quick(api_key=KEY) as server:
        ours = await send(server.endpoint, body_for("chat", "include_usage"))
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as sdk:
            stream = await sdk.chat.completions.create(model=server.models[0], **body_for("chat", "include_usage"))
            chunks = [chunk async for chunk in stream]
            called = await sdk.chat.completions.create(model=server.models[0], **body_for("chat", "tools", "document"))
            listed = [model.id async for model in await sdk.models.list()]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == ours.output.text
    assert chunks[-1].usage.completion_tokens == ours.output.usage.completion_tokens  # type: ignore[union-attr]
    assert called.choices[0].message.tool_calls[0].function.name == "get_weather"
    assert listed == list(server.models)


async def test_a_taken_port_is_refused() -> None:
    """Two simulators cannot have one port, and the second says so."""
    async with quick() as first:
        with pytest.raises(BackendError, match=f"port {first.port}"):
            await quick(port=first.port).start()


async def test_it_can_be_started_again() -> None:
    """A stopped simulator forgets its address and starts anew."""
    server = quick(api_key=KEY)
    for _ in range(2):
        async with server:
            assert (await send(server.endpoint, body_for("chat"))).error is None
        with pytest.raises(BackendError, match="not running"):
            _ = server.base_url


PROFILED: list[tuple[str, int, tuple[str, ...], list[str], str | None]] = [
    ("openrouter", 0, ("include_usage",), ["delta.role-repeat"], None),
    ("openrouter", 0, (), ["delta.role-repeat", "usage.unrequested"], None),
    ("openrouter", 1, (), ["delta.role-repeat", "error.in-stream"], "server"),
    ("openrouter", 2, (), [], "quota"),
    ("vllm-old", 0, (), [], None),
    ("ollama", 0, ("tools",), ["delta.role-repeat", "http.anti-buffering"], None),
    ("lm-studio", 0, (), [], None),
    ("lm-studio", 1, (), ["reasoning.only"], None),
    ("gzip-proxy", 0, (), ["stream.content-encoding"], None),
]
"""Profile, which of its models, what the request has, what is found, failure kind."""


@pytest.mark.parametrize(("name", "model", "needs", "found", "kind"), PROFILED)
async def test_profiles_behave_as_their_sources_say(
    name: str, model: int, needs: tuple[str, ...], found: list[str], kind: str | None
) -> None:
    """Each profile shows exactly the behaviour it is known for."""
    async with quick(profile=name) as server:
        exchange = await send(server.endpoint, body_for("chat", *needs), model=server.models[model])
    assert sorted(ids(exchange)) == found
    assert (exchange.error.kind if exchange.error else None) == kind


@pytest.mark.parametrize(
    ("name", "expected"),
    [("vllm-old", ["error.shape"]), ("ollama", []), ("openrouter", []), ("lm-studio", [])],
)
async def test_profiles_have_the_error_form_of_their_server(name: str, expected: list[str]) -> None:
    """An unknown model reads as one in every profile; only old vLLM's flat form is a finding."""
    async with quick(profile=name) as server:
        exchange = await send(server.endpoint, body_for("chat"), model="no-such-model")
    assert exchange.error is not None
    assert exchange.error.kind == "not_found_model"
    assert ids(exchange) == expected


async def test_openrouter_s_extras_arrive() -> None:
    """Comments, provider, native finish reason and cost are on the wire of that profile."""
    async with quick(profile="openrouter") as server:
        exchange = await send(server.endpoint, body_for("chat", "include_usage"))
    wire = b"".join(data for _, data in exchange.chunks)
    assert wire.startswith(b": OPENROUTER PROCESSING\n\n")
    assert all(part in wire for part in (b'"provider":', b'"native_finish_reason":"stop"', b'"cost":'))
    assert exchange.output.usage is not None
    assert exchange.output.usage.cost


async def test_lm_studio_answers_unknown_routes_with_200() -> None:
    """A base URL without /v1 gets an error with status 200, as that server gives."""
    async with quick(profile="lm-studio") as server:
        endpoint = server.endpoint
        wrong = type(endpoint)(label="wrong", base_url=f"http://127.0.0.1:{server.port}/v2", models=endpoint.models)
        exchange = await send(wrong, body_for("chat"))
    assert exchange.response is not None
    assert exchange.response.status == 200
    assert "error.status-200" in ids(exchange)


@pytest.mark.parametrize("name", PROFILES)
async def test_a_profile_says_that_it_is_a_simulation(name: str) -> None:
    """Every reply, good or bad, and every listed model is named a simulation; sources are given."""
    async with quick(profile=name) as server:
        good = await send(server.endpoint, body_for("chat"))
        bad = await send(server.endpoint, {})
        listed = json.loads((await list_models(server.endpoint)).raw.chunks[0][1])
    for exchange in (good, bad):
        assert exchange.response is not None
        assert "simulated by byok-bench" in exchange.response.headers[HEADER]
    assert all(model["owned_by"].startswith("simulation-of-") for model in listed["data"])
    assert PROFILES[name].sources


def test_an_unknown_profile_is_refused() -> None:
    """The error lists the profiles there are."""
    with pytest.raises(BackendError, match="openrouter"):
        Simulator(profile="closedrouter")


async def recordings(server: Simulator, *bodies: dict[str, Any]) -> tuple[list[Exchange], list[Recording]]:
    """Answers of a simulator, and the same as recordings."""
    answers = [await send(server.endpoint, body) for body in bodies]
    return answers, [to_recording(answer.raw) for answer in answers]


def wire(exchange: Exchange) -> bytes:
    """All body bytes."""
    return b"".join(data for _, data in exchange.chunks)


async def test_a_replay_has_the_recorded_bytes() -> None:
    """Stream, document and refusal come back byte for byte, matched by the request."""
    bodies = [body_for("chat"), body_for("chat", "document"), body_for("chat") | {"model": "no"}]
    async with quick(models=["m"]) as server:
        answers, tapes = await recordings(server, *bodies)
    async with Replay(tapes, speed=0) as replay:
        again = [await send(replay.endpoint, body, model=body.get("model", "m")) for body in reversed(bodies)]
    assert [wire(one) for one in reversed(again)] == [wire(one) for one in answers]
    assert [one.response.status for one in again if one.response] == [404, 200, 200]
    assert all(one.response and HEADER in one.response.headers for one in again)


async def test_a_replay_has_the_recorded_gaps() -> None:
    """What was recorded late comes as late again, scaled by the speed."""
    tape = Recording(
        path="/v1/chat/completions",
        body=b'{"model": "m"}',
        status=200,
        headers=(("content-type", "text/event-stream"),),
        head_ns=5_000_000,
        chunks=((20_000_000, b"data: {}\n\n"), (120_000_000, b"data: [DONE]\n\n")),
    )
    for speed, due in ((1.0, 120e6), (2.0, 60e6)):
        async with Replay([tape], speed=speed) as replay:
            exchange = await send(replay.endpoint, {"model": "m"})
        # From the request, not from the first chunk: a busy machine may send that one late.
        assert exchange.chunks[-1][0] - exchange.raw.phases.start >= due


async def test_repeated_recordings_take_turns() -> None:
    """Several recordings of one request are served one after the other, then again from the first."""
    tapes = [
        Recording(path="/v1/chat/completions", body=b'{"model":"m"}', status=200, chunks=((0, text),))
        for text in (b'{"n":1}', b'{"n":2}')
    ]
    async with Replay(tapes, speed=0) as replay:
        answers = [wire(await send(replay.endpoint, {})) for _ in range(3)]
    assert answers == [b'{"n":1}', b'{"n":2}', b'{"n":1}']


async def test_a_replay_in_order_looks_at_no_body() -> None:
    """Told so, the recordings are served in their order, whatever is asked."""
    async with quick() as server:
        answers, tapes = await recordings(server, body_for("chat"), body_for("chat", "tools"))
    async with Replay(tapes, speed=0, in_order=True) as replay:
        again = [await send(replay.endpoint, {"messages": [USER]}) for _ in range(2)]
    assert [wire(one) for one in again] == [wire(one) for one in answers]


async def test_an_unrecorded_request_is_refused() -> None:
    """What was never recorded gets a 404 that says so, and the models are listed all the same."""
    async with quick() as server:
        _, tapes = await recordings(server, body_for("chat"))
    async with Replay(tapes, speed=0) as replay:
        exchange = await send(replay.endpoint, {"messages": [USER]})
        listed = await list_models(replay.endpoint)
    assert exchange.error is not None
    assert "no recording" in exchange.error.message
    assert ids(listed) == []


BROKEN: list[tuple[str, Callable[[Exchange], bool]]] = [
    ("stream-cut", lambda one: one.error is not None and one.error.kind == "network"),
    ("stream.truncated", lambda one: "stream.truncated" in ids(one)),
    ("stream.content-encoding", lambda one: "stream.content-encoding" in ids(one)),
    ("hang-up", lambda one: one.response is None),
]


@pytest.mark.parametrize(("fault", "shows"), BROKEN)
async def test_a_broken_exchange_is_replayed_broken(fault: str, shows: Callable[[Exchange], bool]) -> None:
    """How a recorded body ended is replayed too, as is its coding."""
    async with quick(faults=[fault], models=["m"]) as server:
        (answer,), tapes = await recordings(server, body_for("chat"))
    async with Replay(tapes, speed=0) as replay:
        again = await send(replay.endpoint, body_for("chat"), model="m")
    assert shows(answer)
    assert shows(again)
    assert wire(again) == wire(answer)
