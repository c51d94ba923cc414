"""What the simulator says: calls where something asks for one, as many as allowed; texts that end where they should;
conversations that go on."""

import json
from typing import Any

import pytest
from support.asking import ANTHROPIC, PATHS, ask, calls_of, question, text_of
from support.simulated import SCHEMA

from byok_bench.backends.simulator.profiles import PROFILES
from byok_bench.backends.simulator.server import Simulator

TWO = "What is the weather in Paris and Oslo?"


def answer(dialect: str, prompt: str, **members: Any) -> Any:
    """A whole answer of a fresh simulator."""
    reply = ask(Simulator(models=["m"]), PATHS[dialect], question(dialect, prompt, **members))
    assert reply.status == 200, reply.document
    return reply.document


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("prompt", ["Hello", "How are you today?", "What is the capital of France?", "Tell me a joke."])
def test_what_asks_for_no_tool_is_answered_in_text(dialect: str, prompt: str) -> None:
    """A tool that is only offered is not called."""
    answered = answer(dialect, prompt, tools=True)
    assert calls_of(dialect, answered) == []
    assert text_of(dialect, answered)


@pytest.mark.parametrize(
    "prompt",
    [
        "Weather in Rome",
        "What is the temperature in Rome?",
        "Use the tool for Rome.",
    ],
)
def test_what_asks_for_a_tool_gets_a_call(prompt: str) -> None:
    """By a word of its name or description, by another word for the weather, or by asking for a tool at all."""
    assert [call["city"] for call in calls_of("chat", answer("chat", prompt, tools=True))] == ["Rome"]


def test_a_tool_that_wants_numbers_is_called_where_they_are() -> None:
    """No word is shared; two numbers are what it needs."""
    numbers = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }
    tools = [{"type": "function", "function": {"name": "multiply", "parameters": numbers}}]
    body = question("chat", "How much is 3 times 4?") | {"tools": tools}
    assert calls_of("chat", ask(Simulator(models=["m"]), PATHS["chat"], body).document) == [{"a": 3, "b": 4}]


@pytest.mark.parametrize("dialect", PATHS)
def test_two_cities_get_two_calls(dialect: str) -> None:
    """Each with its own argument and id."""
    answered = answer(dialect, TWO, tools=True)
    assert [call["city"] for call in calls_of(dialect, answered)] == ["Paris", "Oslo"]


@pytest.mark.parametrize(
    ("prompt", "cities"),
    [
        ("The weather in Paris, Oslo and Rome, please", ["Paris", "Oslo", "Rome"]),
        ("Is the weather better in San Francisco, CA or in Boston, MA?", ["San Francisco", "Boston"]),
        ("What is the weather in Paris? And in New York?", ["Paris", "New York"]),
        ('The weather of "Paris" and "Oslo"', ["Paris", "Oslo"]),
        ("The weather in Paris and the weather in Oslo", ["Paris", "Oslo"]),
        ("The weather in Paris, France", ["Paris"]),
        ("The weather in Paris and nowhere else", ["Paris"]),
    ],
)
def test_a_list_of_names_is_understood(prompt: str, cities: list[str]) -> None:
    """One call for each name; what is no list makes one."""
    assert [call["city"] for call in calls_of("chat", answer("chat", prompt, tools=True))] == cities


FORBIDDEN: list[tuple[str, dict[str, Any]]] = [
    ("chat", {"parallel_tool_calls": False}),
    ("responses", {"parallel_tool_calls": False}),
    ("messages", {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
    ("chat", {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}}),
]


@pytest.mark.parametrize(("dialect", "members"), FORBIDDEN, ids=str)
def test_parallel_calls_are_not_made_where_they_are_forbidden(dialect: str, members: dict[str, Any]) -> None:
    """Nor where the function is named: it is called once."""
    answered = answer(dialect, TWO, tools=True, **members)
    assert [call["city"] for call in calls_of(dialect, answered)] == ["Paris"]


STOPS: list[tuple[str, dict[str, Any]]] = [
    ("chat", {"stop": "Tower"}),
    ("chat", {"stop": ["nowhere", "words", "Tower"]}),
    ("messages", {"stop_sequences": ["nowhere", "Tower"]}),
]


@pytest.mark.parametrize(("dialect", "members"), STOPS, ids=str)
def test_text_ends_before_a_stop_sequence(dialect: str, members: dict[str, Any]) -> None:
    """The text says the question again, so it would hold the word; whole and streamed agree."""
    answered = answer(dialect, "See the Tower?", **members)
    assert text_of(dialect, answered).endswith("See the ")
    if dialect == "messages":
        assert (answered["stop_reason"], answered["stop_sequence"]) == ("stop_sequence", "Tower")
    else:
        assert answered["choices"][0]["finish_reason"] == "stop"


def test_a_stream_ends_before_a_stop_sequence() -> None:
    """In the middle of a piece, and it says which sequence it was."""
    body = question("messages", "See the Tower?", stop_sequences=["ower"], stream=True)
    events = [event.data for event in ask(Simulator(models=["m"]), PATHS["messages"], body).events or []]
    text = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
    assert text.endswith("See the T")
    assert events[-2]["delta"]["stop_sequence"] == "ower"
    assert events[-2]["usage"]["input_tokens"] == 4


@pytest.mark.parametrize("stop", ["", ["a", ""], [3], 3, ["a", "b", "c", "d", "e"]], ids=str)
def test_what_is_no_stop_sequence_is_refused(stop: Any) -> None:
    """Empty, too many, or no text."""
    reply = ask(Simulator(models=["m"]), PATHS["chat"], question("chat", "hi", stop=stop))
    assert (reply.status, reply.document["error"]["param"]) == (400, "stop")


@pytest.mark.parametrize("stop", ["answer", ["a", ""], [" "]], ids=str)
def test_what_is_no_stop_sequence_of_messages_is_refused(stop: Any) -> None:
    """No list, empty, or white space alone; chat may stop at a line's end."""
    reply = ask(Simulator(models=["m"]), PATHS["messages"], question("messages", "hi", stop_sequences=stop))
    assert (reply.status, reply.document["type"]) == (400, "error")
    chat = ask(Simulator(models=["m"]), PATHS["chat"], question("chat", "hi", stop=["\n"]))
    assert chat.status == 200


def test_max_tokens_cuts_before_a_stop_sequence_that_comes_later() -> None:
    """The reason is length then."""
    answered = answer("chat", "See the Tower?", stop=["Tower"], max_tokens=2)
    assert answered["choices"][0]["finish_reason"] == "length"


def test_structured_output_of_messages_obeys_its_schema() -> None:
    """output_config.format, as messages.parse of the SDK sends it."""
    wanted = {"format": {"type": "json_schema", "schema": SCHEMA}}
    answered = answer("messages", "A trip to Paris for 3 days", output_config=wanted)
    assert json.loads(text_of("messages", answered)) == {"city": "Paris", "days": 3}


def test_a_call_that_is_cut_leaves_its_block() -> None:
    """Messages: the name stands there, streamed with the arguments so far."""
    body = question("messages", TWO, tools=True, max_tokens=3)
    (block,) = ask(Simulator(models=["m"]), PATHS["messages"], body).document["content"]
    assert (block["type"], block["name"], block["input"]) == ("tool_use", "get_weather", {})
    events = ask(Simulator(models=["m"]), PATHS["messages"], body | {"stream": True}).events or []
    pieces = [one.data["delta"]["partial_json"] for one in events if one.name == "content_block_delta"]
    assert "".join(pieces) == '{"ci'


def test_logprobs_come_where_they_are_asked_for() -> None:
    """One entry a token, the token itself first among its likeliest."""
    answered = answer("chat", "Say 3 words", logprobs=True, top_logprobs=2)
    entries = answered["choices"][0]["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == text_of("chat", answered)
    assert all(entry["top_logprobs"][0]["token"] == entry["token"] for entry in entries)
    assert {len(entry["top_logprobs"]) for entry in entries} == {2}
    assert answer("chat", "Say 3 words")["choices"][0]["logprobs"] is None


def test_logprobs_of_a_stream_are_those_of_its_pieces() -> None:
    """Each chunk with text has its own."""
    body = question("chat", "Say 3 words", logprobs=True, stream=True)
    events = ask(Simulator(models=["m"]), PATHS["chat"], body).events or []
    choices = [one.data["choices"][0] for one in events if one.is_paced]
    assert [one["logprobs"]["content"][0]["token"] for one in choices] == [one["delta"]["content"] for one in choices]


def test_a_conversation_goes_on_from_a_response() -> None:
    """Its items count as prompt, a tool result may answer its call, and the chain is as long as one likes."""
    server = Simulator(models=["m"])
    first = ask(server, PATHS["responses"], question("responses", "The weather in Paris", tools=True)).document
    (call,) = first["output"]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "12.5 degrees"}
    body = question("responses", "") | {"input": [result], "previous_response_id": first["id"]}
    second = ask(server, PATHS["responses"], body).document
    assert "12.5 degrees" in text_of("responses", second)
    assert second["previous_response_id"] == first["id"]
    third = ask(server, PATHS["responses"], question("responses", "So?", previous_response_id=second["id"])).document
    assert third["usage"]["input_tokens"] > second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    assert ask(server, f"/v1/responses/{second['id']}").document == second


def test_what_is_remembered_is_what_was_said_before_any_fault() -> None:
    """A reply that is changed on its way out leaves the conversation as it was."""
    server = Simulator(models=["m"])
    reply = ask(server, PATHS["responses"], question("responses", "hi"))
    id = reply.document["id"]
    reply.document["output"].clear()
    assert ask(server, f"/v1/responses/{id}").document["output"]


@pytest.mark.parametrize("store", [False, None])
def test_an_unknown_response_is_refused(store: bool | None) -> None:
    """Never given, or not to be stored: 400 as OpenAI says it."""
    server = Simulator(models=["m"])
    given = ask(server, PATHS["responses"], question("responses", "hi", store=False)).document["id"]
    id = given if store is False else "resp_unknown"
    reply = ask(server, PATHS["responses"], question("responses", "hi", previous_response_id=id))
    error = reply.document["error"]
    assert (reply.status, error["code"]) == (400, "previous_response_not_found")
    assert ask(server, f"/v1/responses/{id}").status == 404


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("chat", {"tools": []}, "tools"),
    ("chat", {"messages": [{"role": "_input", "content": "hi"}]}, "messages[0].role"),
    ("chat", {"top_logprobs": 2}, "top_logprobs"),
    ("responses", {"input": [{"role": "_input", "content": "hi"}]}, "input[0].role"),
    ("responses", {"background": True}, "background"),
    ("responses", {"metadata": {"a": 1}}, "metadata"),
    ("responses", {"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
]


@pytest.mark.parametrize(("dialect", "members", "param"), REFUSED, ids=str)
def test_what_openai_refuses_is_refused(dialect: str, members: dict[str, Any], param: str) -> None:
    """400 that names the parameter."""
    reply = ask(Simulator(models=["m"]), PATHS[dialect], question(dialect, "hi") | members)
    assert (reply.status, reply.document["error"]["param"]) == (400, param)


def test_pages_of_models_hang_together() -> None:
    """Anthropic's form: from page to page by last_id, all models once; backwards by before_id."""
    server = Simulator(models=["a", "b", "c", "d", "e"])
    seen: list[str] = []
    page = ask(server, "/v1/models", headers=ANTHROPIC, limit="2").document
    while True:
        seen += [one["id"] for one in page["data"]]
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], seen[-1])
        if not page["has_more"]:
            break
        page = ask(server, "/v1/models", headers=ANTHROPIC, limit="2", after_id=page["last_id"]).document
    assert seen == ["a", "b", "c", "d", "e"]
    back = ask(server, "/v1/models", headers=ANTHROPIC, limit="2", before_id="d").document
    assert ([one["id"] for one in back["data"]], back["has_more"]) == (["b", "c"], True)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"limit": "1001"}, {"after_id": "nobody"}], ids=str)
def test_a_page_that_cannot_be_is_refused(query: dict[str, str]) -> None:
    """In Anthropic's envelope."""
    reply = ask(Simulator(), "/v1/models", headers=ANTHROPIC, **query)
    assert (reply.status, reply.document["error"]["type"]) == (400, "invalid_request_error")


def test_the_window_is_listed() -> None:
    """As vLLM lists it, and as Anthropic does; a profile lists it where its server does."""
    server = Simulator(context=99)
    assert ask(server, "/v1/models").document["data"][0]["max_model_len"] == 99
    assert ask(server, "/v1/models", headers=ANTHROPIC).document["data"][0]["max_input_tokens"] == 99
    listed = {name: ask(Simulator(profile=name), "/v1/models").document["data"][0] for name in PROFILES}
    told = {name: {"max_model_len", "context_length"} & one.keys() for name, one in listed.items()}
    assert {name: found for name, found in told.items() if found} == {
        "openrouter": {"context_length"},
        "vllm-old": {"max_model_len"},
    }


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health_needs_no_key(path: str) -> None:
    """A balancer has none."""
    assert ask(Simulator(api_key="sk-secret"), path).document == {"status": "ok"}


def test_a_server_that_fails_on_everything_fails_on_the_small_routes() -> None:
    """A fault of every route leaves none out."""
    body = question("messages", "hi")
    for path, sent in (("/health", None), ("/v1/models/m", None), ("/v1/messages/count_tokens", body)):
        assert ask(Simulator(models=["m"], faults=["http-500"]), path, sent).status == 500


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/messages"])
def test_errors_of_messages_come_in_its_envelope(path: str) -> None:
    """Also of its small route."""
    reply = ask(Simulator(models=["m"]), path, {"model": "m", "max_tokens": 3})
    assert (reply.status, reply.document["type"]) == (400, "error")
