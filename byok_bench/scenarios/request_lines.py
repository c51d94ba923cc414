"""Request files of other verifiers as a scenario: one request body a line, sent as it stands.

The lines of K2-Vendor-Verifier are chat bodies; those of MiniMax-Provider-Verifier hold, beside it, which checks the
answer has to meet:
https://github.com/MoonshotAI/K2-Vendor-Verifier/blob/7e5a06e0a39108e2b99d46041e3a8b608b3f8f5d/tool_calls_eval.py
https://github.com/MiniMax-AI/MiniMax-Provider-Verifier/blob/11ba4ef51db31f994f7012ca9c02be080213c2af/verify.py
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from byok_bench.checks.offered_tools import find_offered_tools
from byok_bench.errors import PlanError
from byok_bench.scenarios.expectations.calls import NotCalled, ToolCalled
from byok_bench.scenarios.expectations.judging import Expectation
from byok_bench.scenarios.expectations.request_lines import CallsFitRequest, NamesInOrder, NotOnlyReasoning, NotRepeated
from byok_bench.scenarios.expectations.texts import TextMatches
from byok_bench.scenarios.scenario import FORMAT_VERSION, Message, Request, Sample, Scenario

REQUEST_LINES: Final = "request-lines"
"""Tag of a scenario that was made of such a file."""
LABELS: Final = ("check_type", "expected_tool_call", "scenario_check")
"""Members of a line that are for the judge and are not sent."""
NO_CYRILLIC: Final = r"\A[^\u0400-\u04ff]*\Z"


def read_request_lines(path: Path) -> Scenario:
    """The file as one scenario, a sample a line. Raises PlanError for a file that is none, with the line."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"cannot read request lines {path}: {error}", code="unreadable") from None
    samples = tuple(_iterate_samples(text, path))
    if not samples:
        raise PlanError(f"{path} holds no request line", code="bad_request_lines")
    return Scenario(
        version=FORMAT_VERSION,
        name=path.stem,
        title=f"the {len(samples)} request lines of {path.name}",
        tags=(REQUEST_LINES,),
        dialects=("chat",),
        max_rounds=1,
        request=Request(stream=False),
        samples=samples,
    )


def _iterate_samples(text: str, path: Path) -> Iterator[Sample]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                body = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise PlanError(f"{path}, line {number}: not JSON: {error}", code="bad_request_lines") from None
            if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
                raise PlanError(f"{path}, line {number}: no request body with messages", code="bad_request_lines")
            yield make_sample(number, body)


def make_sample(number: int, line: Mapping[str, Any]) -> Sample:
    """One line: what is sent, and what is expected of the answer."""
    body = as_standard_roles({name: value for name, value in line.items() if name not in (*LABELS, "model")})
    if body.get("stream") is True:
        body = {"stream_options": {"include_usage": True}} | body
    return Sample(
        name=f"line-{number}",
        messages=(Message(role="user", content=f"request line {number}"),),
        expect=tuple(_iterate_expectations(line)),
        request={"stream": body.get("stream") is True, "extra": {"chat": body}, "bare": True},
    )


def as_standard_roles(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the role `_input`, which only request files of K2-Vendor-Verifier know, as the role it stands for.

    Their own tool sends it as `system`.
    """
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    return body | {
        "messages": [
            one | {"role": "system"} if isinstance(one, dict) and one.get("role") == "_input" else one
            for one in messages
        ]
    }


def _iterate_expectations(line: Mapping[str, Any]) -> Iterator[Expectation]:
    """What the line's checks ask: those of MiniMax by their names; calls have to fit wherever tools are offered."""
    tools = find_offered_tools(line)
    if tools:
        yield CallsFitRequest()
    if line.get("expected_tool_call") is True:
        yield ToolCalled(any_of=tuple(tools))
    elif line.get("expected_tool_call") is False:
        yield NotCalled()
    yield NotOnlyReasoning()
    checks = line.get("check_type")
    if isinstance(checks, list):
        if "contains_russian_characters_unicode" in checks:
            yield TextMatches(pattern=NO_CYRILLIC)
        if "repeat_n_gram" in checks:
            yield NotRepeated()
        names = tuple(_find_property_names(tools))
        if "scenario_check" in checks and names:
            yield NamesInOrder(names=names)


def _find_property_names(tools: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The properties of the first tool, as they were declared."""
    schema = next(iter(tools.values()), {}).get("parameters")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    yield from properties if isinstance(properties, dict) else ()
