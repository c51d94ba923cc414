"""A real LiteLLM proxy in front of the real model server: streams go through, refusals are what they are."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from support.capability_tables import compare_table
from support.proxy_changes import read_proxy_changes
from support.simulated import KEY

from byok_bench.backends.litellm import LiteLLM, find_gateway_python
from byok_bench.backends.llamacpp import LlamaCpp
from byok_bench.checks.capabilities.examination import capabilities
from byok_bench.checks.registry import run_checks
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Schema
from byok_bench.endpoints.send import list_models, send
from byok_bench.errors import BackendError
from byok_bench.report.proxy_report import diff

pytestmark = [pytest.mark.gateway, pytest.mark.local, pytest.mark.timeout(300)]

UPSTREAM_KEY = "sk-upstream-0123456789"
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def model() -> Iterator[LlamaCpp]:
    """llama.cpp, for all tests of this file; it belongs to no event loop."""
    running = LlamaCpp(api_key=UPSTREAM_KEY)
    asyncio.run(running.start())
    yield running
    asyncio.run(running.stop())


@pytest.fixture(scope="module")
def proxy(model: LlamaCpp) -> Iterator[LiteLLM]:
    """The proxy in front of it."""
    running = LiteLLM(model, start_timeout_s=240)
    try:
        asyncio.run(running.start())
        yield running
    finally:
        asyncio.run(running.stop())


async def ask(proxy: LiteLLM, **body: Any) -> Exchange:
    """One chat request at temperature 0."""
    return await send(proxy.endpoint, {"temperature": 0, "max_tokens": 60, "messages": QUESTION, **body})


async def test_a_streamed_tool_call_goes_through(proxy: LiteLLM) -> None:
    """Through the proxy the model's call arrives in fragments, whole and without an error finding."""
    exchange = await ask(proxy, tools=[WEATHER], tool_choice="required", stream=True)
    assert exchange.error is None
    (call,) = exchange.output.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    assert exchange.output.finish_reason == "tool_calls"
    assert sum(kind == "tool" for _, kind in (mark[:2] for mark in exchange.reading.marks)) > 2
    assert [one.check for one in run_checks(exchange) if one.severity == "error"] == []


async def test_a_plain_stream_goes_through(proxy: LiteLLM) -> None:
    """Words come one by one, and end with a count if it was asked for."""
    exchange = await ask(
        proxy,
        messages=[{"role": "user", "content": "Where is the Eiffel Tower?"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    assert "Paris" in exchange.output.text
    assert exchange.output.usage is not None
    assert exchange.output.usage.completion_tokens


USAGE = {"stream": True, "stream_options": {"include_usage": True}}
MESSAGES_TOOL = {
    "name": "get_weather",
    "description": "Get the current weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
FIELD_NOTES: dict[str, tuple[Schema, dict[str, Any], set[str]]] = {
    "a plain stream": ("chat", {"messages": QUESTION, **USAGE}, set()),
    "a whole answer": ("chat", {"messages": QUESTION}, set()),
    "messages missing": ("chat", {"stream": True}, set()),
    "a typed stream": (
        "responses",
        {"input": "Hello", "stream": True},
        {"responses.sequence", "responses.event-match", "responses.object", "responses.required"},
    ),
    "a whole response": ("responses", {"input": "Hello"}, {"responses.required"}),
    "a message": ("messages", {"messages": QUESTION, "stream": True}, {"messages.usage"}),
    "a call that is cut": (
        "messages",
        {
            "messages": QUESTION,
            "tools": [MESSAGES_TOOL],
            "tool_choice": {"type": "any"},
            "max_tokens": 16,
            "stream": True,
        },
        {"messages.usage", "messages.tool-json"},
    ),
}
"""What docs/field-notes.md tells: dialect, request, and the findings on the answer."""


@pytest.mark.parametrize("note", FIELD_NOTES)
async def test_the_field_notes_hold(proxy: LiteLLM, note: str) -> None:
    """The proxy still does what docs/field-notes.md says of it, and nothing else is found."""
    schema, body, findings = FIELD_NOTES[note]
    budget = {"max_output_tokens" if schema == "responses" else "max_tokens": 24}
    exchange = await send(proxy.get_endpoint(schema), {"temperature": 0, **budget, **body})
    assert {one.check for one in run_checks(exchange) if one.severity != "info"} == findings


@pytest.mark.parametrize(
    ("changed", "status", "kind", "finding"),
    [
        ({"key": KeyRef.none()}, 500, "server", "error.not-json"),
        ({"base_url": "/v2"}, 404, "not_found_route", "error.shape"),
    ],
    ids=["no key", "a wrong route"],
)
async def test_refusals_have_forms_of_their_own(
    proxy: LiteLLM, changed: dict[str, Any], status: int, kind: str, finding: str
) -> None:
    """Without a key the proxy fails in plain text, and an unknown route gets what its framework says."""
    if "base_url" in changed:
        changed = {"base_url": proxy.base_url.removesuffix("/v1") + changed["base_url"]}
    exchange = await send(msgspec.structs.replace(proxy.endpoint, **changed), {"messages": QUESTION})
    assert exchange.error is not None
    assert (exchange.error.status, exchange.error.kind) == (status, kind)
    assert [one.check for one in run_checks(exchange)] == [finding]


async def test_a_second_choice_has_neither_beginning_nor_end(proxy: LiteLLM) -> None:
    """Role and finish_reason go through for one of two choices; what else is lost hangs on how they interleave."""
    found = {one.check for one in run_checks(await ask(proxy, n=2, max_tokens=8, stream=True))}
    assert {"delta.role-first", "finish.missing"} <= found


async def test_a_wrong_type_reads_as_a_lost_connection(proxy: LiteLLM) -> None:
    """What breaks in the proxy's own code is called a connection error, in an answer with status 400."""
    exchange = await ask(proxy, messages=["hello"])
    assert exchange.error is not None
    assert (exchange.error.status, exchange.error.kind) == (400, "network")


async def test_an_unknown_model_is_refused(proxy: LiteLLM) -> None:
    """LiteLLM answers 400, and the failure reads as an unknown model."""
    exchange = await send(proxy.endpoint, {"messages": QUESTION}, model="no-such-model")
    assert exchange.error is not None
    assert (exchange.error.status, exchange.error.kind) == (400, "not_found_model")


async def test_a_wrong_key_is_refused_with_400(proxy: LiteLLM) -> None:
    """Without a database LiteLLM answers 400 where 401 belongs, and speaks of the database: seen, not wished for."""
    wrong = msgspec.structs.replace(proxy.endpoint, key=KeyRef.session(KEY))
    exchange = await send(wrong, {"messages": QUESTION})
    assert exchange.error is not None
    assert exchange.error.status == 400
    assert "db" in exchange.error.message


async def test_over_long_context_reads_as_what_it_is(proxy: LiteLLM) -> None:
    """llama.cpp's refusal, wrapped by LiteLLM, is still a context length error."""
    exchange = await ask(proxy, messages=[{"role": "user", "content": "word " * 5000}])
    assert exchange.error is not None
    assert exchange.error.kind == "context_length"


async def test_the_models_are_those_of_the_backend(proxy: LiteLLM) -> None:
    """The proxy lists what it routes to."""
    exchange = await list_models(proxy.endpoint)
    listed = json.loads(b"".join(data for _, data in exchange.chunks))
    assert [model["id"] for model in listed["data"]] == list(proxy.models)


async def test_what_it_changes_is_what_its_page_tells(model: LlamaCpp, proxy: LiteLLM) -> None:
    """Every member, status and kind of failure that is not as llama.cpp has it, and nothing else, stands in
    docs/proxy.md; of headers those that it names.
    """
    told = read_proxy_changes()
    report = await diff(model.endpoint, proxy.endpoint, told["scenarios"], repeats=1)
    found = {(one.place, one.kind, one.what): one for one in report.changes}
    assert {place for place in found if place[0] not in ("header", "answer")} == {
        (place, kind, what) for place, kind, what, *_ in told["changes"]
    }
    for place, kind, what, a, b in told["changes"]:
        seen = found[place, kind, what]
        assert (a or seen.a, b or seen.b) == (seen.a, seen.b)
    for kind in ("added", "dropped", "changed"):
        names = {what for place, seen, what in found if (place, seen) == ("header", kind)}
        assert set(told[f"headers_{kind}"]) <= names
    assert not {what for place, _, what in found if place == "answer"} & set(told["same"])


WHOLE_TABLES = bool(os.environ.get("BYOK_BENCH_WHOLE_TABLES"))
"""Set by `make capabilities`: all lines of the tables, which take a minute and a half of one core each."""
FEW = ["tools.required", "tools.named", "structured.strict", "params.n", "model.served", "vision"]
LINES = [] if WHOLE_TABLES else FEW
"""The lines that are played: few of them in the suite."""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["llama.cpp", "LiteLLM"])
async def test_what_it_can_do_is_right_to_the_last_cell(model: LlamaCpp, proxy: LiteLLM, name: str) -> None:
    """Every state and every word of the real servers is the one in the table."""
    endpoint = {"llama.cpp": model, "LiteLLM": proxy}[name].endpoint
    report = await capabilities(endpoint, only=LINES)
    assert compare_table(name, report, LINES) == []


async def test_the_proxy_keeps_to_this_machine(proxy: LiteLLM) -> None:
    """It listens on loopback only, has talked to nobody else, and shows no key to other processes."""
    await ask(proxy, stream=True)
    process = psutil.Process(proxy.pid)
    places = [c.laddr.ip for c in process.net_connections()]
    places += [c.raddr.ip for c in process.net_connections() if c.raddr]
    assert set(places) == {"127.0.0.1"}
    shown = " ".join(process.cmdline()) + str(process.environ())
    assert proxy.api_key not in shown
    assert UPSTREAM_KEY not in shown


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_a_missing_environment_names_the_command(tmp_path: Path, folder: str) -> None:
    """Without LiteLLM the error says what builds it."""
    (tmp_path / "empty/bin").mkdir(parents=True)
    (tmp_path / "empty/bin/python").touch()
    with pytest.raises(BackendError, match="make gateway") as caught:
        find_gateway_python(tmp_path / folder)
    assert caught.value.code == "missing_part"
