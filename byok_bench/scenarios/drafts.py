"""Drafts: prompts of one's own, out of a file of lines, rows or requests, as a scenario that runs at once."""

import re
from pathlib import Path
from shlex import quote
from typing import Any, Final

import tomlkit

from byok_bench.errors import PlanError
from byok_bench.scenarios.draft_sources import iterate_prompts
from byok_bench.scenarios.scenario import FORMAT_VERSION, Scenario
from byok_bench.scenarios.scenario_file import parse_scenario

_LONGEST_NAME: Final = 60
"""Characters of a sample's name, where it is made of its prompt."""
_FIRST_PROMPT: Final = "What is the capital of France? Answer with one word."
_HEAD: Final = """\
# Try it: byok-bench scenarios check {path}
# Play it: byok-bench run --endpoint NAME --scenario {path}
# What else can stand here, and be expected: docs/scenarios.md

"""


def make_draft(name: str, source: Path | None, path: Path) -> str:
    """The text of a scenario file, to stand at `path`; of the prompts in `source`, or of one to begin with.

    PlanError names file and line of what cannot be read.
    """
    samples = list(iterate_prompts(source)) if source is not None else [_make_first_sample()]
    if not samples:
        raise PlanError(f"{source} holds no prompt", code="no_prompt")
    scenario = {
        "version": FORMAT_VERSION,
        "name": name,
        "title": name.replace("-", " ").capitalize(),
        "about": f"Prompts of {source.name}." if source is not None else "A first prompt.",
        "request": {"stream": True, "max_tokens": 256},
        "samples": _name_samples(samples),
    }
    text = _HEAD.format(path=quote(str(path))) + tomlkit.dumps(scenario)
    parse_scenario(text.encode(), str(path))
    return text


def _make_first_sample() -> dict[str, Any]:
    return {
        "name": "first",
        "messages": [{"role": "user", "content": _FIRST_PROMPT}],
        "expect": [{"what": "text_contains", "any_of": ["Paris"]}],
        "solution": [{"text": "Paris"}],
        "mistake": [{"caught_by": "text_contains", "turns": [{"text": "Lyon"}]}],
    }


def _name_samples(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The samples with a name each, and with something to expect."""
    used: set[str] = set()
    named = []
    for number, sample in enumerate(samples, 1):
        words = re.findall(r"[a-z0-9]+", str(sample.get("name") or sample["messages"][-1]["content"]).lower())[:5]
        name = "-".join(words)[:_LONGEST_NAME] or f"prompt-{number}"
        unique = name if name not in used else f"{name}-{number}"
        while unique in used:
            unique += "-again"
        used.add(unique)
        named.append({"expect": [{"what": "answered"}]} | sample | {"name": unique})
    order = ("name", "messages", "expect")
    return [
        {name: _to_inline(one[name]) for name in (*order, *(name for name in one if name not in order))}
        for one in named
    ]


def _to_inline(value: Any) -> Any:
    """A list of small objects on lines of its own; tools and answers stay tables."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return value
    if any("turns" in one or "parameters" in one for one in value):
        return value
    inline = tomlkit.array()
    for one in value:
        table = tomlkit.inline_table()
        table.update(one)
        inline.append(table)
    return inline.multiline(len(value) > 1)


def describe_lacks(scenario: Scenario) -> list[str]:
    """What a scenario lacks before it can prove itself, one line each; a file of one's own runs without."""
    lines = []
    for sample in scenario.samples:
        lacking = [
            word
            for word, there in (
                ("expectation", sample.expect),
                ("solution", sample.solution or scenario.wants_failure),
                ("mistake", sample.mistake),
            )
            if not there
        ]
        if lacking:
            lines.append(f"sample {sample.name!r} has no {', no '.join(lacking)}")
    return lines
