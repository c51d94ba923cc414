"""dialects/chat.py: what real servers say in places of their own, streamed. The texts are ours, the forms theirs."""

from typing import Any

import pytest
from support.chat_records import chunk, exchange, stream

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.output import ToolCall, Usage

COUNTS = {"prompt_tokens": 23, "completion_tokens": 2, "total_tokens": 25}
READ = Usage(**COUNTS)
START = chunk({"role": "assistant", "content": ""})
LAST = {"index": 0, "delta": {}, "finish_reason": "stop"}
ZERO_CALL = {"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": ""}}
SERVERS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "Groq without include_usage: counts of its own (vercel/ai#1651)": (
        [
            {**START, "x_groq": {"id": "req_1"}},
            chunk({"content": "Oslo"}),
            chunk({}, "stop", x_groq={"id": "req_1", "usage": {"queue_time": 0.01, **COUNTS}}),
        ],
        {"text": "Oslo", "usage": READ},
    ),
    "Moonshot: counts in the choice (earendil-works/pi#2017, northes/go-moonshot#17)": (
        [START, chunk({"content": "Oslo"}), chunk(choices=[{**LAST, "usage": COUNTS}])],
        {"text": "Oslo", "usage": READ},
    ),
    "gpt-audio: words that are spoken (maruel/genai providers/openaichat/testdata)": (
        [
            chunk({"role": "assistant", "audio": {"id": "audio_1", "transcript": "Good "}}),
            chunk({"audio": {"transcript": "morning"}}),
            chunk({"audio": {"data": "UklGRg==", "expires_at": 1760003600}}),
            chunk({}, "stop"),
        ],
        {"text": "Good morning", "usage": None},
    ),
    "OpenAI: the call of a custom tool (chat_completion_message_custom_tool_call.py of openai-python)": (
        [
            START,
            chunk(
                {
                    "tool_calls": [
                        {"index": 0, "id": "c", "type": "custom", "custom": {"name": "sh", "input": ""}}
                    ]
                }
            ),
            chunk({"tool_calls": [{"index": 0, "custom": {"input": "ls "}}]}),
            chunk({"tool_calls": [{"index": 0, "custom": {"input": "-l"}}]}),
            chunk({}, "tool_calls"),
        ],
        {"tool_calls": (ToolCall(id="c", name="sh", arguments="ls -l"),), "finish_reason": "tool_calls"},
    ),
    "Snowflake: zero for everything absent (pydantic/pydantic-ai tests/models/cassettes/test_snowflake)": (
        [
            chunk(
                {
                    "role": "assistant",
                    "content": "Oslo",
                    "refusal": "",
                    "function_call": {"name": "", "arguments": ""},
                    "audio": {"id": "", "data": "", "transcript": "", "expires_at": 0},
                }
            ),
            chunk({"tool_calls": [ZERO_CALL]}),
            chunk(choices=[{**LAST, "error": {"code": 0, "message": ""}}]),
        ],
        {"text": "Oslo", "tool_calls": (), "finish_reason": "stop"},
    ),
}


@pytest.mark.parametrize("name", SERVERS)
def test_what_a_server_says_in_its_own_place_is_read(name: str) -> None:
    """The output has it, there is no failure, and no rule speaks of it as an error."""
    chunks, expected = SERVERS[name]
    seen = exchange(stream(*chunks))
    assert {member: getattr(seen.output, member) for member in expected} == expected
    assert seen.error is None
    assert [one.check for one in run_checks(seen) if one.severity != "info"] == []
