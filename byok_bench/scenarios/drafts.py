"""Drafts: prompts of one's own, out of a file of lines, rows or requests, as a scenario that runs at once."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import tomlkit

from byok_bench.errors import PlanError
from byok_bench.scenarios.scenario import FORMAT_VERSION, Scenario
from byok_bench.scenarios.scenario_file import parse_scenario

SUFFIXES: Final = (".jsonl", ".csv", ".txt")
ROLES: Final = ("system", "user", "assistant")
_KEPT: Final = ("temperature", "max_tokens", "max_completion_tokens", "tool_choice", "top_p", "seed", "stop")
"""Members of a chat request that a scenario's request has by the same name."""
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
    samples = list(_iterate_samples(source)) if source is not None else [_make_first_sample()]
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
    text = _HEAD.format(path=path) + tomlkit.dumps(scenario)
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


def _iterate_samples(source: Path) -> Iterator[dict[str, Any]]:
    try:
        text = source.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PlanError(f"cannot read {source}: {why}", code="unreadable") from None
    match source.suffix.lower():
        case ".txt":
            yield from ({"messages": _to_messages(line.strip())} for line in text.splitlines() if line.strip())
        case ".csv":
            yield from _iterate_rows(text, source)
        case ".jsonl":
            for number, line in enumerate(text.splitlines(), 1):
                if line.strip():
                    yield _read_json_line(line, f"{source}, line {number}")
        case other:
            raise PlanError(
                f"{source}: {other or 'no ending'} is not known; prompts come from {', '.join(SUFFIXES)}",
                code="bad_source",
            )


def _iterate_rows(text: str, source: Path) -> Iterator[dict[str, Any]]:
    """Columns: prompt; system, name and expect (a word that the answer holds) if they are there."""
    rows = csv.DictReader(io.StringIO(text))
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = names
    if "prompt" not in names:
        raise PlanError(
            f"{source}: no column is named prompt; there are {', '.join(names) or 'none'}", code="bad_source"
        )
    for row in rows:
        if (row.get("prompt") or "").strip():
            yield _to_sample(row)


def _read_json_line(line: str, where: str) -> dict[str, Any]:
    """A text, an object with `prompt`, or a chat request, bare or under `request` or `body`."""
    try:
        value = json.loads(line)
    except ValueError as error:
        raise PlanError(f"{where}: not JSON: {error}", code="bad_source") from None
    if isinstance(value, str):
        return {"messages": _to_messages(value)}
    if not isinstance(value, dict):
        raise PlanError(f"{where}: neither a text nor an object", code="bad_source")
    body = next((value[name] for name in ("request", "body") if isinstance(value.get(name), dict)), value)
    if isinstance(body.get("messages"), list):
        return _to_request_sample(value, body, where)
    if not isinstance(body.get("prompt"), str):
        raise PlanError(f"{where}: neither `prompt` nor `messages` is in it", code="bad_source")
    return _to_sample(value)


def _to_sample(row: Mapping[str, Any]) -> dict[str, Any]:
    sample: dict[str, Any] = {"messages": _to_messages(str(row["prompt"]), str(row.get("system") or ""))}
    if row.get("name"):
        sample["name"] = str(row["name"])
    if row.get("expect"):
        sample["expect"] = [{"what": "text_contains", "any_of": [str(row["expect"])]}]
    return sample


def _to_request_sample(line: Mapping[str, Any], body: Mapping[str, Any], where: str) -> dict[str, Any]:
    messages = []
    for message in body["messages"]:
        text = _read_text(message.get("content")) if isinstance(message, dict) else None
        role = {"developer": "system"}.get(message.get("role"), message.get("role")) if text is not None else None
        if role not in ROLES:
            raise PlanError(
                f"{where}: only messages of text by {', '.join(ROLES)} can be taken over", code="bad_source"
            )
        messages.append({"role": role, "content": text})
    sample: dict[str, Any] = {"messages": messages}
    if isinstance(line.get("name") or line.get("id"), str):
        sample["name"] = line.get("name") or line["id"]
    request = {name: body[name] for name in _KEPT if isinstance(body.get(name), str | int | float | list)}
    tools = [tool["function"] for tool in body.get("tools") or [] if isinstance(tool, dict) and "function" in tool]
    if tools:
        kept = ("name", "description", "parameters")
        sample["tools"] = [{name: tool[name] for name in kept if name in tool} for tool in tools]
        sample["expect"] = []
    return sample | ({"request": request} if request else {})


def _read_text(content: Any) -> str | None:
    """The text of a content, parts joined; None if it holds anything else."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [None]
    texts = [part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in parts]
    return None if None in texts else "\n".join(map(str, texts))


def _to_messages(prompt: str, system: str = "") -> list[dict[str, str]]:
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": prompt}]


def _name_samples(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The samples with a name each, and with something to expect."""
    used: dict[str, int] = {}
    named = []
    for number, sample in enumerate(samples, 1):
        words = re.findall(r"[a-z0-9]+", str(sample.get("name") or sample["messages"][-1]["content"]).lower())[:5]
        name = "-".join(words) or f"prompt-{number}"
        used[name] = used.get(name, 0) + 1
        unique = name if used[name] == 1 else f"{name}-{used[name]}"
        named.append({"expect": [{"what": "answered"}]} | sample | {"name": unique})
    order = ("name", "messages", "expect")
    return [
        {name: _to_inline(one[name]) for name in (*order, *(name for name in one if name not in order))}
        for one in named
    ]


def _to_inline(value: Any) -> Any:
    """A list of small objects on lines of its own; tools and answers stay tables."""
    if not isinstance(value, list) or any("turns" in one or "parameters" in one for one in value):
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
