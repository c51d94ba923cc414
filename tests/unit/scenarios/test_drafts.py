"""Prompts of one's own as a scenario, and the format as JSON Schema."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from byok_bench.errors import PlanError
from byok_bench.scenarios.costs import compute_needed_window, estimate_cost
from byok_bench.scenarios.drafts import describe_lacks, make_draft
from byok_bench.scenarios.fill import Fill
from byok_bench.scenarios.format_schema import load_format_schema
from byok_bench.scenarios.proofs import prove_scenarios
from byok_bench.scenarios.scenario_file import parse_scenario
from byok_bench.scenarios.selection import load_library

SOURCES = {
    "a.txt": ("Name a colour\n\nName a bird\n", ["name-a-colour", "name-a-bird"]),
    "a.csv": ("name,Prompt,expect\nAdding,What is 2+2?,4\n,Name a bird,\n", ["adding", "name-a-bird"]),
    "a.jsonl": (
        '"Name a bird"\n{"prompt": "Name a bird", "system": "Be brief."}\n'
        '{"request": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Weather in Rome?"}]}],'
        ' "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}],'
        ' "tool_choice": "auto", "model": "m"}}\n',
        ["name-a-bird", "name-a-bird-2", "weather-in-rome"],
    ),
    "bom and crlf.txt": ("\ufeffa\r\n\r\na\r\na 2\r\n", ["a", "a-2", "a-2-3"]),
    "breaks that are text.txt": ("one\u2028two\n", ["one-two"]),
    "breaks that are text.jsonl": ('"one\u2028two"\n', ["one-two"]),
    "as a spreadsheet writes it.csv": ('Prompt;expect\n"a; b";c\n', ["a-b"]),
    "longer than a field may be.csv": (f"prompt\n{'x' * 140_000}\n", ["x" * 60]),
    "a batch.jsonl": (
        '{"custom_id": "r 1", "body": {"model": "m", "messages": [{"role": "user", "content": "?"}]}}\n',
        ["r-1"],
    ),
    "with expectations.jsonl": (
        '{"prompt": "a", "expect": [{"what": "json_equals", "value": {"b": [{"c": 1}], "d": {}}}]}\n',
        ["a"],
    ),
    "a prompt inside.jsonl": ('{"request": {"prompt": "a"}}\n', ["a"]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_prompts_become_a_scenario_that_can_be_read(tmp_path: Path, name: str) -> None:
    """Lines, rows and requests; each with a name of its own."""
    text, names = SOURCES[name]
    source = tmp_path / name
    source.write_text(text, "utf-8", newline="")
    draft = parse_scenario(make_draft("mine", source, tmp_path / "mine.toml").encode(), "mine.toml")
    assert [sample.name for sample in draft.samples] == names
    assert len(describe_lacks(draft)) == len(names)


def test_a_request_is_taken_over_whole(tmp_path: Path) -> None:
    """What a scenario has a word for gets it, all else is sent as it stood, and null says nothing."""
    tool = {"type": "function", "function": {"name": "find", "strict": True, "parameters": {"type": "object"}}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "strict": False, "schema": {"type": "object"}}}
    line = {
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Find it."}],
        "tools": [tool], "tool_choice": {"type": "function", "function": {"name": "find"}},
        "stop": "END", "reasoning_effort": "low", "response_format": form, "top_k": 5, "user": None, "model": "m",
    }  # fmt: skip
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps(line))
    (sample,) = parse_scenario(make_draft("mine", source, tmp_path / "mine.toml").encode(), "mine.toml").samples
    assert [message.role for message in sample.messages] == ["system", "user"]
    assert sample.request == {
        "tool_choice": "find", "stop": ["END"], "reasoning": "low", "strict_tools": True,
        "answer_schema": {"type": "object"}, "answer_strict": False, "extra": {"chat": {"top_k": 5}},
    }  # fmt: skip
    assert [expected.label for expected in sample.expect] == ["calls_fit_request"]
    assert sample.dialects == ("chat",)


async def test_a_draft_without_a_source_proves_itself(tmp_path: Path) -> None:
    """A beginner's file has a prompt, a solution and a mistake."""
    draft = parse_scenario(make_draft("mine", None, tmp_path / "mine.toml").encode(), "mine.toml")
    assert describe_lacks(draft) == []
    assert [proof.problem async for proof in prove_scenarios([draft], ["chat"])] == [""] * 4


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.xls", "x", ".xls is not known"),
        ("a.csv", "question\nWhat?\n", "no column is named prompt"),
        ("a.jsonl", "{\n", "line 1: not JSON"),
        ("a.jsonl", "[" * 100_000, "line 1: not JSON"),
        ("a.jsonl", '"one\u2028two"\n3\n', "line 2: neither a text"),
        ("a.jsonl", '"fine"\n3\n', "line 2: neither a text nor an object"),
        ("a.jsonl", '{"question": "?"}\n', "neither `prompt` nor `messages`"),
        ("a.jsonl", '{"messages": [{"role": "tool", "content": "?"}]}\n', "only messages of text"),
        ("a.txt", "\n", "holds no prompt"),
        ("a.csv", 'prompt\n"never closed\n', "line 1: unexpected end"),
        ("a.jsonl", f'"fine"\n{"[" * 100_000}\n', "line 2: not JSON: it is nested too deep"),
        ("a.jsonl", '"half a pair: \\ud800"\n', "line 1: not JSON"),
        ("a.jsonl", '{"prompt": " "}\n', "line 1: the prompt is empty"),
        ("a.jsonl", '{"messages": []}\n', "line 1: needs at least one message"),
        ("a.jsonl", '{"messages": [{"role": "user", "content": "?"}], "tools": 5}\n', "only tools that are functions"),
        (
            "a.jsonl",
            '{"messages": [{"role": "user", "content": "?"}], "seed": "1"}\n',
            "request.seed: expected",
        ),
        ("a.jsonl", '{"messages": [{"role": "user", "content": "?"}], "x": [1, null]}\n', r"chat.x\[1\] is null"),
    ],
)
def test_a_source_that_cannot_be_read_is_told_by_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    """Whoever brings prompts is told which of them is wrong."""
    source = tmp_path / name
    source.write_text(text)
    with pytest.raises(PlanError, match=says):
        make_draft("mine", source, tmp_path / "mine.toml")


@pytest.mark.parametrize("scenario", load_library().values(), ids=lambda one: f"{one.group}/{one.name}")
def test_the_json_schema_of_the_format_fits_the_library(scenario: object) -> None:
    """What the package ships is the format that it reads."""
    name, group = getattr(scenario, "name", ""), getattr(scenario, "group", "")
    library = files("byok_bench.scenarios") / "library" / group
    document = tomllib.loads((library / f"{name}.toml").read_text("utf-8"))
    validator = Draft202012Validator(load_format_schema())
    assert [error.message for error in validator.iter_errors(document)] == []
    assert not validator.is_valid(document | {"titel": "x"})


def test_what_a_scenario_costs_is_known_before_it_is_played() -> None:
    """Requests and tokens at most, and the window that its longest prompt takes."""
    scenario = load_library()["tool-round-trip"]
    cost = estimate_cost(scenario)
    assert (cost.samples, cost.requests_at_most, cost.output_tokens_at_most) == (1, 2, 192)
    assert 100 < cost.prompt_tokens_about < 400
    filled = msgspec.structs.replace(scenario, fill=Fill(tokens=5_000))
    assert 5_192 < compute_needed_window(filled, filled.samples[0]) < 5_400
