"""Errors that a body of status 2xx, or an event, reports in another form than the member `error`.

`{"success": false, "errors": […]}`, `{"code": 402, "message": …}` and their like; the names are data in
envelopes.toml. What has choices, output or content of its own is an answer and no envelope.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from byok_bench.dialects.failures.error_body import has_plain_error
from byok_bench.dialects.json_values import is_absent

_ANSWERS: Final = ("choices", "output", "content", "candidates")
_STATES: Final = ("status", "type", "__type", "object", "result")
_ERRORS: Final = ("error", "exception")
"""How the names of types of errors end."""
_NESTING: Final = 3
_DIGITS: Final = 9


class EnvelopeName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One name of a list, and where it was seen."""

    name: str
    source: str


class EnvelopeForms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names by which an envelope is known; the file says what each list is."""

    version: int
    code: tuple[EnvelopeName, ...]
    words: tuple[EnvelopeName, ...]
    failed: tuple[EnvelopeName, ...]
    good: tuple[EnvelopeName, ...]
    flag: tuple[EnvelopeName, ...]
    wrapper: tuple[EnvelopeName, ...]


@cache
def load_envelope_forms() -> EnvelopeForms:
    """The lists, validated."""
    text = (files("byok_bench.dialects.failures") / "envelopes.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), EnvelopeForms)


def has_error(document: object) -> bool:
    """Whether a JSON document of status 2xx is an error, in the member `error` or as an envelope."""
    return has_plain_error(document) or find_envelope_error(document) is not None


def find_envelope_error(value: object) -> Mapping[str, Any] | None:
    """The error that an envelope holds, as an object with `message` and `code` where it has such; None if the
    value is no envelope, or reports no error."""
    if not isinstance(value, Mapping) or not all(is_absent(value.get(name)) for name in _ANSWERS):
        return None
    return _find_error_within(value, _NESTING)


def _find_error_within(value: Mapping[str, Any], nesting: int) -> Mapping[str, Any] | None:
    names = load_envelope_forms()
    for wrapper in names.wrapper if nesting else ():
        inner = value.get(wrapper.name)
        found = _find_error_within(inner, nesting - 1) if isinstance(inner, Mapping) else None
        if found is not None:
            return found
    reported = not is_absent(value.get("errors")) or not is_absent(value.get("error"))
    if reported or any(value.get(flag.name) is False for flag in names.flag):
        return _as_error(value)
    has_words = any(_is_said(value.get(words.name)) for words in names.words)
    if not has_words or any(value.get(flag.name) is True for flag in names.flag):
        return None
    failed = [one.name for one in names.failed]
    states = [state.lower() for name in _STATES if isinstance(state := value.get(name), str)]
    has_failed = any(state in failed or state.endswith(_ERRORS) for state in states)
    is_code = any(_is_failure_code(value, code.name) for code in names.code)
    return _as_error(value) if has_failed or is_code else None


def _as_error(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same members, with the words as `message` and the code as `code`, the names that every error is read by."""
    names = load_envelope_forms()
    words = next((value[one.name] for one in names.words if _is_said(value.get(one.name))), None)
    codes = (*(one.name for one in names.code), "error")
    code = next((value[name] for name in codes if _is_failure_code(value, name)), None)
    added = {"message": words, "code": code}
    return {**{name: member for name, member in added.items() if member is not None}, **value}


def _is_said(value: object) -> bool:
    """Whether a member has words, other than that all went well."""
    if isinstance(value, str):
        return value.strip(" .!").lower() not in ("", *(one.name for one in load_envelope_forms().good))
    return isinstance(value, list) and bool(value)


def _is_failure_code(value: Mapping[str, Any], name: str) -> bool:
    """Whether a member is a number that is no code of success, or a word that is none; a status is no such word."""
    code = value.get(name)
    if isinstance(code, str):
        text = code.strip().lower()
        if not (text.isascii() and text.isdecimal() and len(text) < _DIGITS):
            return bool(text) and name != "status" and text not in [one.name for one in load_envelope_forms().good]
        code = int(text)
    return type(code) is int and code != 0 and not 200 <= code < 300
