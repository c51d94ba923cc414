"""The OpenAI and Anthropic SDKs against the correct simulator: what they can ask for, they get, parsed strictly."""

from collections.abc import AsyncIterator

import anthropic
import openai
import pydantic
import pytest
from support.simulated import SCHEMA

from byok_bench.backends.simulator.server import Simulator

KEY = "sk-simulated-0123456789"
WEATHER = {"name": "get_weather", "description": "Weather of a city"}
TWO = "What is the weather in Paris and Oslo?"


class Trip(pydantic.BaseModel):
    """What parse() is to make of an answer."""

    city: str
    days: int


@pytest.fixture
async def server() -> AsyncIterator[Simulator]:
    """A simulator without waits that demands a key."""
    async with Simulator(models=["m", "n", "o"], api_key=KEY, ttft_ms=0, gap_ms=0) as running:
        yield running


@pytest.fixture
async def claude(server: Simulator) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's client, strict about what it reads."""
    base_url = server.base_url.removesuffix("/v1")
    settings = {"max_retries": 0, "_strict_response_validation": True}
    async with anthropic.AsyncAnthropic(base_url=base_url, api_key=KEY, **settings) as client:
        yield client


@pytest.fixture
async def gpt(server: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client, strict about what it reads."""
    settings = {"max_retries": 0, "_strict_response_validation": True}
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY, **settings) as client:
        yield client


async def test_claude_lists_models_page_by_page(claude: anthropic.AsyncAnthropic) -> None:
    """Three models in pages of two, and one of them alone."""
    listed = [model.id async for model in claude.models.list(limit=2)]
    assert listed == ["m", "n", "o"]
    assert (await claude.models.retrieve("n")).display_name == "n"
    with pytest.raises(anthropic.NotFoundError, match="not_found_error"):
        await claude.models.retrieve("nobody")


async def test_claude_counts_tokens(claude: anthropic.AsyncAnthropic) -> None:
    """As many as the answer is charged for, streamed too."""
    messages = [{"role": "user", "content": "How long is this?"}]
    counted = await claude.messages.count_tokens(model="m", messages=messages)
    async with claude.messages.stream(model="m", max_tokens=9, messages=messages) as stream:
        final = await stream.get_final_message()
    assert counted.input_tokens == final.usage.input_tokens == 5


async def test_claude_parses_structured_output(claude: anthropic.AsyncAnthropic) -> None:
    """messages.parse sends output_config.format."""
    message = {"role": "user", "content": "A trip to Paris for 3 days"}
    parsed = await claude.messages.parse(model="m", max_tokens=99, messages=[message], output_format=Trip)
    assert parsed.parsed_output == Trip(city="Paris", days=3)


async def test_claude_stops_where_it_was_told(claude: anthropic.AsyncAnthropic) -> None:
    """The text ends before the sequence, which is named."""
    message = {"role": "user", "content": "See the Tower?"}
    said = await claude.messages.create(model="m", max_tokens=99, messages=[message], stop_sequences=["Tower"])
    assert (said.stop_reason, said.stop_sequence) == ("stop_sequence", "Tower")


async def test_claude_calls_twice_in_one_answer(claude: anthropic.AsyncAnthropic) -> None:
    """Streamed and put together by the SDK."""
    tools = [{**WEATHER, "input_schema": SCHEMA}]
    message = {"role": "user", "content": TWO}
    async with claude.messages.stream(model="m", max_tokens=99, messages=[message], tools=tools) as stream:
        final = await stream.get_final_message()
    inputs = [block.input for block in final.content if block.type == "tool_use"]
    assert [one["city"] for one in inputs] == ["Paris", "Oslo"]


async def test_gpt_lists_models(gpt: openai.AsyncOpenAI) -> None:
    """All of them, and one alone."""
    assert [model.id async for model in gpt.models.list()] == ["m", "n", "o"]
    assert (await gpt.models.retrieve("n")).id == "n"
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        await gpt.models.retrieve("nobody")


async def test_gpt_goes_on_from_a_response(gpt: openai.AsyncOpenAI) -> None:
    """Streamed, retrieved, gone on from; an unknown one is a client's mistake."""
    async with gpt.responses.stream(model="m", input="hi") as stream:
        first = await stream.get_final_response()
    assert (await gpt.responses.retrieve(first.id)).output_text == first.output_text
    second = await gpt.responses.create(model="m", input="and?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    with pytest.raises(openai.BadRequestError, match="not found"):
        await gpt.responses.create(model="m", input="hi", previous_response_id="resp_unknown")


async def test_gpt_calls_twice_in_one_answer(gpt: openai.AsyncOpenAI) -> None:
    """Chat and responses."""
    function = {**WEATHER, "parameters": SCHEMA}
    chat = await gpt.chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": TWO}],
        tools=[{"type": "function", "function": function}],
    )
    assert len(chat.choices[0].message.tool_calls or []) == 2
    response = await gpt.responses.create(model="m", input=TWO, tools=[{"type": "function", **function}])
    assert [item.type for item in response.output] == ["function_call", "function_call"]


async def test_gpt_parses_structured_output(gpt: openai.AsyncOpenAI) -> None:
    """Chat and responses, with log probabilities in the former."""
    chat = await gpt.chat.completions.parse(
        model="m",
        messages=[{"role": "user", "content": "A trip to Paris for 3 days"}],
        response_format=Trip,
        logprobs=True,
    )
    assert chat.choices[0].message.parsed == Trip(city="Paris", days=3)
    assert chat.choices[0].logprobs is not None
    parsed = await gpt.responses.parse(model="m", input="A trip to Paris for 3 days", text_format=Trip)
    assert parsed.output_parsed == Trip(city="Paris", days=3)
