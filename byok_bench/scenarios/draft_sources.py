"""Prompts of one's own, out of a file of lines, rows or JSON, as samples that are still plain data.

Nothing is lost without a word: what a scenario has a name for gets that name, every other member of a request goes out
as it stood, and what cannot be said in a scenario is refused with the line it stands in.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.scenarios.misfits import describe_misfit
from byok_bench.scenarios.scenario import FORMAT_VERSION, Sample, Scenario
from byok_bench.scenarios.scenario_rules import check_scenario

SUFFIXES: Final = (".jsonl", ".csv", ".txt")
ROLES: Final = ("system", "user", "assistant")
_DELIMITERS: Final = (",", ";", "\t")
"""Of columns; a spreadsheet takes the semicolon where the comma parts decimals."""
_SAME: Final[tuple[str, ...]] = (
    "temperature", "max_tokens", "max_completion_tokens", "top_p", "seed", "n", "frequency_penalty", "presence_penalty",
    "logprobs", "top_logprobs", "parallel_tool_calls", "stream",
)  # fmt: skip
"""Members of a chat request that a scenario's request has by the same name."""
_READ: Final = (*_SAME, "model", "messages", "tools", "tool_choice", "stop", "reasoning_effort", "response_format")
"""Members that are not sent on as they stand."""
_ABOUT_LINE: Final = ("name", "id", "custom_id", "expect", "system")
"""Members that stand beside a prompt or a request; `custom_id` in files of OpenAI's batches."""


def iterate_prompts(source: Path) -> Iterator[dict[str, Any]]:
    """The samples of a file, each with messages. PlanError names file and line of what cannot be taken over."""
    try:
        text = source.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PlanError(f"cannot read {source}: {why}", code="unreadable") from None
    match source.suffix.lower():
        case ".txt":
            found = _iterate_lines(text)
        case ".csv":
            found = _iterate_rows(text, source)
        case ".jsonl":
            found = _iterate_json_lines(text, source)
        case other:
            raise PlanError(
                f"{source}: {other or 'no ending'} is not known; prompts come from {', '.join(SUFFIXES)}",
                code="bad_source",
            )
    for number, sample in found:
        _check_sample(sample, f"{source}, line {number}")
        yield sample


def _check_sample(sample: Mapping[str, Any], where: str) -> None:
    """Raise PlanError for what a scenario cannot hold, while it is known which line it came from."""
    if place := _find_null(sample):
        raise PlanError(f"{where}: {place} is null, which a scenario file cannot say", code="bad_source")
    try:
        read = msgspec.convert({"name": "line", **sample}, Sample)
        check_scenario(Scenario(version=FORMAT_VERSION, name="line", title="", samples=(read,)))
    except msgspec.ValidationError as error:
        problem = describe_misfit(error, Sample)
    except PlanError as error:
        problem = str(error).removeprefix("samples[0]").lstrip(".: ")
    else:
        return
    raise PlanError(f"{where}: {problem}", code="bad_source")


def _find_null(value: Any, place: str = "") -> str:
    """Path of the first null; empty if there is none."""
    if value is None:
        return place
    items: Sequence[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        items = [(f"{place}.{name}".strip("."), one) for name, one in value.items()]
    elif isinstance(value, list):
        items = [(f"{place}[{number}]", one) for number, one in enumerate(value)]
    return next((found for inner, one in items if (found := _find_null(one, inner))), "")


def _iterate_lines(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """A prompt a line. Other breaks than those of lines (U+2028, form feed) are part of it."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, {"messages": _to_messages(line.strip())}


def _iterate_rows(text: str, source: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Columns: prompt; system, name and expect (a word that the answer holds) if they are there."""
    head = [next(csv.reader([text.partition("\n")[0]], delimiter=mark), []) for mark in _DELIMITERS]
    named = [[name.strip().lower() for name in names] for names in head]
    chosen = next((at for at, names in enumerate(named) if "prompt" in names), None)
    if chosen is None:
        known = ", ".join(named[0]) or "none"
        raise PlanError(f"{source}: no column is named prompt; there are {known}", code="bad_source")
    before = csv.field_size_limit(max(len(text), 1))
    try:
        # strict: a quote that is never closed would swallow the rest of the file into one prompt.
        rows = csv.DictReader(io.StringIO(text), named[chosen], delimiter=_DELIMITERS[chosen], strict=True)
        next(rows)
        for row in rows:
            if (row.get("prompt") or "").strip():
                yield rows.line_num, _to_sample(row)
    except csv.Error as error:
        raise PlanError(f"{source}, line {rows.line_num}: {error}", code="bad_source") from None
    finally:
        csv.field_size_limit(before)


def _iterate_json_lines(text: str, source: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _read_json_line(line, f"{source}, line {number}")


def _read_json_line(line: str, where: str) -> dict[str, Any]:
    """A text, an object with `prompt`, or a chat request, bare or under `request` or `body`."""
    try:
        value = msgspec.json.decode(line.encode())
    except (msgspec.DecodeError, RecursionError) as error:
        said = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise PlanError(f"{where}: not JSON: {said}", code="bad_source") from None
    value = {"prompt": value} if isinstance(value, str) else value
    if not isinstance(value, dict):
        raise PlanError(f"{where}: neither a text nor an object", code="bad_source")
    body = next((value[name] for name in ("request", "body") if isinstance(value.get(name), dict)), value)
    about = {name: value[name] for name in _ABOUT_LINE if value.get(name) is not None}
    if isinstance(body.get("messages"), list):
        rest = body if body is not value else {name: one for name, one in body.items() if name not in about}
        return _to_request_sample(about, rest, where)
    if not isinstance(body.get("prompt"), str):
        raise PlanError(f"{where}: neither `prompt` nor `messages` is in it", code="bad_source")
    if not body["prompt"].strip():
        raise PlanError(f"{where}: the prompt is empty", code="bad_source")
    return _to_sample(body | about)


def _to_sample(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": _to_messages(str(row["prompt"]), str(row.get("system") or "")), **_read_about(row)}


def _read_about(line: Mapping[str, Any]) -> dict[str, Any]:
    """Name and expectations; `expect` is a word, words of which one is held, or expectations as a scenario has them."""
    about: dict[str, Any] = {}
    if name := next((line[field] for field in ("name", "id", "custom_id") if line.get(field) not in (None, "")), None):
        about["name"] = str(name).strip()
    wanted = line.get("expect")
    if isinstance(wanted, list) and wanted and all(isinstance(one, dict) for one in wanted):
        about["expect"] = wanted
    elif words := [word for one in (wanted if isinstance(wanted, list) else [wanted]) if (word := _read_word(one))]:
        about["expect"] = [{"what": "text_contains", "any_of": words}]
    return about


def _read_word(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _to_request_sample(about: Mapping[str, Any], body: Mapping[str, Any], where: str) -> dict[str, Any]:
    sample: dict[str, Any] = {"messages": [_read_message(message, where) for message in body["messages"]]}
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(_get_function(one), dict) for one in tools):
        raise PlanError(f"{where}: only tools that are functions can be taken over", code="bad_source")
    if tools:
        sample["tools"] = [_read_tool(_get_function(one)) for one in tools]
        sample["expect"] = [{"what": "calls_fit_request"}]
    if request := _read_request(body, tools):
        sample["request"] = request
    if "extra" in request:
        sample["dialects"] = ["chat"]  # elsewhere its members would be left away without a word
    return sample | _read_about(about)


def _read_message(message: Any, where: str) -> dict[str, str]:
    """A message of text; results and calls of an earlier turn are no part of an opening."""
    text = _read_text(message.get("content")) if isinstance(message, dict) else None
    role = {"developer": "system"}.get(message.get("role"), message.get("role")) if text is not None else None
    if role not in ROLES or message.get("tool_calls") or message.get("function_call"):
        raise PlanError(f"{where}: only messages of text by {', '.join(ROLES)} can be taken over", code="bad_source")
    return {"role": role, "content": str(text)}


def _read_text(content: Any) -> str | None:
    """The text of a content, parts joined; None if it holds anything else."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [None]
    texts = [part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in parts]
    return None if None in texts else "\n".join(map(str, texts))


def _get_function(tool: Any) -> Any:
    return tool.get("function") if isinstance(tool, dict) else None


def _read_tool(function: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("name", "description", "parameters")
    return {name: _drop_null_defaults(function[name]) for name in kept if function.get(name) is not None}


def _drop_null_defaults(schema: Any) -> Any:
    """A schema without `default: null`, which says nothing and which TOML has no word for."""
    if isinstance(schema, dict):
        kept = {name: one for name, one in schema.items() if not (name == "default" and one is None)}
        return {name: _drop_null_defaults(one) for name, one in kept.items()}
    return [_drop_null_defaults(one) for one in schema] if isinstance(schema, list) else schema


def _read_request(body: Mapping[str, Any], tools: Sequence[Any]) -> dict[str, Any]:
    """What is asked for, in a scenario's words; what it has no word for is sent as it stands, in chat."""
    given = {name: value for name, value in body.items() if value is not None}
    request = {name: given[name] for name in _SAME if name in given}
    if "stop" in given:
        request["stop"] = [given["stop"]] if isinstance(given["stop"], str) else given["stop"]
    if "reasoning_effort" in given:
        request["reasoning"] = given["reasoning_effort"]
    choice = given.get("tool_choice")
    if choice is not None and tools:
        function = choice.get("function", choice) if isinstance(choice, dict) else None
        request["tool_choice"] = (isinstance(function, dict) and function.get("name")) or choice
    strict = [_get_function(one).get("strict") for one in tools]
    if strict and all(one is strict[0] for one in strict) and isinstance(strict[0], bool):
        request["strict_tools"] = strict[0]
    request |= _read_answer_form(given.get("response_format"))
    rest = {name: value for name, value in given.items() if name not in (*_READ, "stream_options")}
    return request | ({"extra": {"chat": rest}} if rest else {})


def _read_answer_form(form: Any) -> dict[str, Any]:
    match form:
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)} as wanted}:
            return {"answer_schema": _drop_null_defaults(schema), "answer_strict": wanted.get("strict") is not False}
        case {"type": str(kind)}:
            return {"answer_format": kind}
    return {}


def _to_messages(prompt: str, system: str = "") -> list[dict[str, str]]:
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": prompt}]
