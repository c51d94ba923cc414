"""The embedded llama.cpp server, for real: it answers, calls tools, refuses, and never outlives its parent."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from byok_bench.backends.gguf import BUNDLED_MODEL
from byok_bench.backends.llamacpp import LlamaCpp
from byok_bench.checks.probes.probe import find_probe
from byok_bench.checks.probes.prober import Prober
from byok_bench.checks.registry import run_checks
from byok_bench.endpoints.model import Schema
from byok_bench.endpoints.send import send
from byok_bench.errors import BackendError
from byok_bench.wire.client import Client

pytestmark = pytest.mark.local

KEY = "sk-local-0123456789"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]
COUNTRY = {
    "type": "object",
    "properties": {"capital": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["capital", "population"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server() -> Iterator[LlamaCpp]:
    """One server with a key, for all tests of this file; it belongs to no event loop."""
    running = LlamaCpp(api_key=KEY)
    asyncio.run(running.start())
    yield running
    asyncio.run(running.stop())


async def post(server: LlamaCpp, path: str, body: dict[str, Any], key: str = KEY) -> tuple[int, str]:
    """POST a JSON body: (status, text of the answer)."""

    def call() -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}", "x-api-key": key}
        try:
            connection.request("POST", f"/v1{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    return await asyncio.to_thread(call)


async def chat(server: LlamaCpp, **body: Any) -> tuple[int, Any]:
    """A chat completion, not streamed."""
    status, text = await post(
        server, "/chat/completions", {"model": BUNDLED_MODEL, "temperature": 0, "max_tokens": 60, **body}
    )
    return status, json.loads(text)


def events(text: str) -> list[str]:
    """The data of each event of a stream."""
    return [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]


async def test_a_question_is_answered_in_words(server: LlamaCpp) -> None:
    """The model is a real one: asked where the Eiffel Tower is it says Paris."""
    status, answer = await chat(server, messages=[{"role": "user", "content": "Where is the Eiffel Tower?"}])
    assert status == 200
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert answer["model"] == BUNDLED_MODEL


async def test_the_endpoint_says_what_is_served(server: LlamaCpp) -> None:
    """An Endpoint can be used as it is handed out: nothing is missing in it."""
    endpoint = server.endpoint
    assert endpoint.list_missing_fields() == ()
    assert endpoint.base_url == f"http://127.0.0.1:{server.port}/v1"
    assert [model.name for model in endpoint.models] == [BUNDLED_MODEL]
    assert server.endpoint is endpoint


@pytest.mark.parametrize("tool_choice", ["auto", "required"])
async def test_the_small_model_streams_a_tool_call(server: LlamaCpp, tool_choice: str) -> None:
    """With the template's one example the 135M model calls the tool, in fragments, with valid arguments."""
    body = {
        "model": BUNDLED_MODEL,
        "messages": QUESTION,
        "tools": [WEATHER],
        "tool_choice": tool_choice,
        "stream": True,
        "temperature": 0,
        "max_tokens": 60,
    }
    status, text = await post(server, "/chat/completions", body)
    assert status == 200
    *chunks, done = events(text)
    assert done == "[DONE]"
    deltas = [choice["delta"] for chunk in chunks for choice in json.loads(chunk)["choices"]]
    fragments = [call["function"] for delta in deltas for call in delta.get("tool_calls") or []]
    assert fragments[0]["name"] == "get_weather"
    assert json.loads("".join(part.get("arguments", "") for part in fragments)) == {"city": "Paris"}
    assert len(fragments) > 2


async def test_a_tool_result_is_used_in_the_answer(server: LlamaCpp) -> None:
    """The second turn of a tool round trip says what the tool returned."""
    call = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    messages = [
        *QUESTION,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": call}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "18 degrees and cloudy"},
    ]
    status, answer = await chat(server, messages=messages, tools=[WEATHER])
    assert status == 200
    assert "18 degrees" in answer["choices"][0]["message"]["content"]


async def test_a_tool_without_parameters_does_not_break_the_template(server: LlamaCpp) -> None:
    """Description and parameters of a function are optional."""
    status, _ = await chat(server, messages=QUESTION, tools=[{"type": "function", "function": {"name": "now"}}])
    assert status == 200


async def test_structured_output_follows_its_schema(server: LlamaCpp) -> None:
    """`response_format` json_schema is enforced by a grammar."""
    wanted = {"type": "json_schema", "json_schema": {"name": "country", "schema": COUNTRY}}
    status, answer = await chat(
        server, messages=[{"role": "user", "content": "Tell me about France."}], response_format=wanted
    )
    assert status == 200
    assert json.loads(answer["choices"][0]["message"]["content"]).keys() == {"capital", "population"}


async def test_responses_and_messages_are_answered_too(server: LlamaCpp) -> None:
    """All three dialects can be tried against this one server."""
    status, text = await post(server, "/responses", {"model": BUNDLED_MODEL, "input": "Hello", "max_output_tokens": 8})
    assert (status, json.loads(text)["object"]) == (200, "response")
    body = {"model": BUNDLED_MODEL, "messages": QUESTION, "max_tokens": 8}
    status, text = await post(server, "/messages", body)
    assert (status, json.loads(text)["type"]) == (200, "message")


EMOJI = [{"role": "user", "content": "Repeat: 🎉🚀日本語"}]
USAGE = {"stream": True, "stream_options": {"include_usage": True}}
SIGNATURE = WEATHER["function"]
FIELD_NOTES: dict[str, tuple[Schema, dict[str, Any], set[str]]] = {
    "a plain stream": ("chat", {"messages": QUESTION, **USAGE}, set()),
    "a whole answer": ("chat", {"messages": QUESTION}, set()),
    "a forced call": (
        "chat",
        {"messages": QUESTION, "tools": [WEATHER], "tool_choice": "required", **USAGE},
        set(),
    ),
    "log probabilities": (
        "chat",
        {"messages": QUESTION, "logprobs": True, "top_logprobs": 2, **USAGE},
        set(),
    ),
    "two choices": ("chat", {"messages": QUESTION, "n": 2, **USAGE}, {"usage.duplicate-final"}),
    "an emoji first": (
        "chat",
        {"messages": EMOJI, "grammar": 'root ::= "🎉 is it"', "stream": True},
        {"delta.role-first"},
    ),
    "messages missing": ("chat", {"stream": True}, set()),
    "a typed stream": (
        "responses",
        {"input": "Hello", "stream": True},
        {"responses.sequence", "responses.object", "responses.required"},
    ),
    "a whole response": ("responses", {"input": "Hello"}, {"responses.required"}),
    "a message": ("messages", {"messages": QUESTION, "stream": True}, set()),
    "a streamed call, messages": (
        "messages",
        {
            "messages": QUESTION,
            "tools": [{"name": SIGNATURE["name"], "input_schema": SIGNATURE["parameters"]}],
            "tool_choice": {"type": "any"},
            "max_tokens": 80,
            "stream": True,
        },
        {"messages.content"},
    ),
    "an emoji cut": (
        "messages",
        {"messages": EMOJI, "max_tokens": 1, "stream": True},
        {"messages.lifecycle"},
    ),
    "messages missing, messages": ("messages", {"stream": True}, {"messages.error-shape"}),
}
"""What docs/field-notes.md tells: dialect, request, and the findings on the answer."""


@pytest.mark.parametrize("note", FIELD_NOTES)
async def test_the_field_notes_hold(server: LlamaCpp, note: str) -> None:
    """The server still does what docs/field-notes.md says of it, and nothing else is found."""
    schema, body, findings = FIELD_NOTES[note]
    budget = {"max_output_tokens" if schema == "responses" else "max_tokens": 24}
    exchange = await send(server.get_endpoint(schema), {"temperature": 0, **budget, **body})
    assert {one.check for one in run_checks(exchange) if one.severity != "info"} == findings


PROBED: list[tuple[Schema, str, str]] = [
    ("chat", "tool.choice-named", "fail"),
    ("chat", "tool.choice-none", "pass"),
    ("chat", "finish.length", "pass"),
    ("chat", "error.client-5xx", "fail"),
    ("chat", "error.context-length", "pass"),
    ("chat", "structured.unsupported", "pass"),
    ("responses", "finish.length", "fail"),
    ("messages", "finish.length", "pass"),
    ("messages", "tool.choice-none", "fail"),
    ("messages", "error.client-5xx", "fail"),
    ("messages", "error.bad-key", "pass"),
]
"""What docs/field-notes.md tells of probes: dialect, probe, verdict."""


@pytest.mark.parametrize(("schema", "probe", "verdict"), PROBED)
async def test_the_probes_of_the_field_notes_hold(server: LlamaCpp, schema: Schema, probe: str, verdict: str) -> None:
    """Asked in the words of its dialect, the server obeys and disobeys as docs/field-notes.md says."""
    async with Client() as client:
        prober = Prober(server.get_endpoint(schema), BUNDLED_MODEL, client=client, profile="local")
        assert (await prober.run(find_probe(probe))).verdict == verdict


async def test_a_prompt_beyond_the_window_is_refused(server: LlamaCpp) -> None:
    """Over-long context is 400 with llama.cpp's own type, not a silent cut."""
    status, answer = await chat(server, messages=[{"role": "user", "content": "word " * 5000}])
    assert status == 400
    assert answer["error"]["type"] == "exceed_context_size_error"
    assert answer["error"]["n_ctx"] == server.context_window_tokens


async def test_a_running_server_is_not_started_again(server: LlamaCpp) -> None:
    """A second start is an error, and the first process stays the one that is stopped."""
    pid = server.pid
    with pytest.raises(BackendError, match="already running"):
        await server.start()
    assert server.pid == pid


async def test_a_wrong_key_is_refused(server: LlamaCpp) -> None:
    """With a key set, another key gets a true 401."""
    status, text = await post(server, "/chat/completions", {"messages": QUESTION}, key="sk-wrong")
    assert status == 401
    assert json.loads(text)["error"]["type"] == "authentication_error"


async def test_only_loopback_is_listened_on(server: LlamaCpp) -> None:
    """No other machine can reach the server."""
    listening = [c for c in psutil.Process(server.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert [connection.laddr.ip for connection in listening] == ["127.0.0.1"]


async def test_the_key_is_in_no_argument_and_no_environment(server: LlamaCpp) -> None:
    """Other processes can read a command line, and root an environment: the key is in neither."""
    process = psutil.Process(server.pid)
    assert KEY not in " ".join(process.cmdline())
    assert KEY not in str(process.environ())


async def test_a_taken_port_is_named() -> None:
    """A port conflict is one clear error, and nothing is left running."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server = LlamaCpp(port=port)
        with pytest.raises(BackendError, match=f"port {port}") as caught:
            await server.start()
    assert caught.value.code == "port_taken"
    assert server.pid is None


async def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """`--model` with a wrong path or a wrong file says so before anything starts."""
    with pytest.raises(BackendError, match="no model file"):
        await LlamaCpp(tmp_path / "absent.gguf").start()
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    with pytest.raises(BackendError, match="not a GGUF"):
        await LlamaCpp(text).start()


async def test_a_broken_model_file_fails_with_the_server_s_words(tmp_path: Path) -> None:
    """What llama.cpp says about a model it cannot load reaches the user."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(BackendError, match=r"(?s)did not start.*last words") as caught:
        await LlamaCpp(broken).start()
    assert caught.value.code == "start_failed"


async def test_a_stopped_server_is_gone() -> None:
    """After the block neither process nor port is left."""
    async with LlamaCpp() as server:
        process, port = psutil.Process(server.pid), server.port
    assert not process.is_running()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with pytest.raises(BackendError, match="not running"):
        _ = server.endpoint


@pytest.mark.parametrize("moment", ["serving", "starting"])
def test_no_server_outlives_a_killed_parent(moment: str) -> None:
    """kill -9 of the parent, at any moment, ends the server too."""
    program = (
        "import asyncio\n"
        "from byok_bench.backends.llamacpp import LlamaCpp\n"
        "async def main():\n"
        "    server = LlamaCpp()\n"
        "    task = asyncio.create_task(server.start())\n"
        f"    await (task if {moment == 'serving'} else asyncio.sleep(0.3))\n"
        "    print(server._child.pid if server._child else '', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = psutil.Process(parent.pid).children()
        os.kill(parent.pid, signal.SIGKILL)
        assert psutil.wait_procs([child], timeout=20)[1] == []
    finally:
        parent.kill()
        parent.communicate()
