"""Request files of other verifiers: what is sent is the line, and what they check is expected."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.recorded import answer, exchange, raw_exchange

from byok_bench.errors import PlanError
from byok_bench.scenarios.agent import build_opening
from byok_bench.scenarios.expectations.expected import PlayedSample
from byok_bench.scenarios.expectations.judging import list_unmet
from byok_bench.scenarios.expectations.request_lines import NotOnlyReasoning
from byok_bench.scenarios.request_lines import read_request_lines
from byok_bench.scenarios.scenario_rules import check_scenario

TOOL = {
    "type": "function",
    "function": {
        "name": "find",
        "parameters": {
            "type": "object",
            "properties": {"zeta": {"type": "string"}, "alpha": {"type": "integer"}},
            "required": ["zeta"],
        },
    },
}
LINE = {
    "model": "theirs", "messages": [{"role": "_input", "content": "a"}, {"role": "user", "content": "b"}],
    "tools": [TOOL], "temperature": 0.6, "stream": True,
}  # fmt: skip


def write(tmp_path: Path, *lines: Any) -> Path:
    """A request file."""
    path = tmp_path / "lines.jsonl"
    path.write_text("\n\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
    return path


def test_a_line_is_sent_as_it_stands(tmp_path: Path) -> None:
    """Nothing of ours is added but usage at the end of a stream; their own role is the one it stands for."""
    scenario = check_scenario(read_request_lines(write(tmp_path, LINE, LINE | {"stream": False})))
    first, second = (build_opening(scenario, sample, "chat") for sample in scenario.samples)
    messages = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    whole = {"messages": messages, "tools": [TOOL], "temperature": 0.6}
    assert first == whole | {"stream": True, "stream_options": {"include_usage": True}}
    assert second == whole | {"stream": False}
    assert [sample.name for sample in scenario.samples] == ["line-1", "line-3"]


def test_the_order_of_properties_is_kept(tmp_path: Path) -> None:
    """It is what one of their checks is about."""
    scenario = read_request_lines(write(tmp_path, LINE))
    body = build_opening(scenario, scenario.samples[0], "chat")
    assert list(body["tools"][0]["function"]["parameters"]["properties"]) == ["zeta", "alpha"]


def test_labels_are_not_sent(tmp_path: Path) -> None:
    """They are for the judge."""
    line = LINE | {"check_type": ["tool_calls"], "expected_tool_call": True, "scenario_check": {"any": 1}}
    scenario = read_request_lines(write(tmp_path, line))
    assert not {"check_type", "expected_tool_call", "scenario_check", "model"} & set(
        build_opening(scenario, scenario.samples[0], "chat")
    )


BODY = {"model": "m", "messages": [], "tools": [TOOL], "stream": True}
JUDGED = [
    ({"expected_tool_call": True}, "text", "tool_called"),
    ({"expected_tool_call": False}, "text", None),
    ({"check_type": ["contains_russian_characters_unicode"]}, "fine\nwords", None),
    ({"check_type": ["contains_russian_characters_unicode"]}, "fine\nдом", "text_matches"),
    ({"check_type": ["repeat_n_gram"]}, "one two three " * 3, None),
    ({"check_type": ["repeat_n_gram"]}, "one two three " * 4, "not_repeated"),
    ({"check_type": ["scenario_check"]}, "zeta, then alpha", None),
    ({"check_type": ["scenario_check"]}, "alpha, then zeta", "names_in_order"),
    ({"check_type": ["scenario_check"]}, "neither", "names_in_order"),
]


@pytest.mark.parametrize(("labels", "text", "unmet"), JUDGED)
def test_their_checks_are_expectations(tmp_path: Path, labels: dict[str, Any], text: str, unmet: str | None) -> None:
    """By the name of the expectation that is not met."""
    sample = check_scenario(read_request_lines(write(tmp_path, LINE | labels))).samples[0]
    found = list_unmet(sample.expect, PlayedSample([answer(text, body=BODY)], {}, None))
    assert [label for label, _ in found] == ([unmet] if unmet else [])


@pytest.mark.parametrize(
    ("arguments", "unmet"), [('{"zeta": "x"}', None), ('{"alpha": 1}', "calls_fit_request"), ("{", "calls_fit_request")]
)
def test_calls_have_to_fit_the_tools_of_the_line(tmp_path: Path, arguments: str, unmet: str | None) -> None:
    """Of the request itself, since the library has none of them."""
    sample = read_request_lines(write(tmp_path, LINE | {"expected_tool_call": True})).samples[0]
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "find", "arguments": arguments}}
    whole = {"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "stop"}]}
    made = exchange(
        raw_exchange(
            [(5.0, json.dumps(whole).encode())], body=BODY | {"stream": False}, content_type="application/json"
        )
    )
    found = list_unmet(sample.expect, PlayedSample([made], {}, None))
    assert [label for label, _ in found] == ([unmet] if unmet else [])


@pytest.mark.parametrize(
    ("field", "text", "is_met"), [("reasoning_content", "", False), ("reasoning", "", False), ("reasoning", "x", True)]
)
def test_reasoning_alone_is_no_answer(field: str, text: str, is_met: bool) -> None:
    """Under whatever name a server streams it."""
    delta = {"index": 0, "delta": {field: "hm", "content": text}, "finish_reason": "stop"}
    event = b"data: " + json.dumps({"choices": [delta]}).encode() + b"\n\ndata: [DONE]\n\n"
    made = exchange(raw_exchange([(5.0, event)], body=BODY))
    assert (NotOnlyReasoning().find_shortfall(PlayedSample([made], {}, None)) is None) is is_met


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{"], "line 1: not JSON"),
        (["[" * 100_000], "line 1: not JSON"),
        ([LINE, '{"messages": ' + "9" * 5000 + "}"], "line 3: not JSON"),
        ([LINE, "[]"], "line 3: no request body"),
        ([""], "no request line"),
    ],
)
def test_a_file_that_is_none_is_one_clear_line(tmp_path: Path, lines: list[Any], said: str) -> None:
    """With the place."""
    with pytest.raises(PlanError, match=said):
        read_request_lines(write(tmp_path, *lines))
    with pytest.raises(PlanError, match="cannot read"):
        read_request_lines(tmp_path / "nowhere.jsonl")
