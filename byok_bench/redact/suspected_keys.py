"""Where keys stand that nobody named: in authentication headers, in URLs, by their shape, masked by a provider.

Spans of one stretch of text that holds no `[redacted]` yet; nothing is replaced in here.
Rules: docs/secrets.md, section "Keys nobody named", with what must survive.
"""

import re
from collections.abc import Iterator
from typing import Final

from byok_bench.redact.decoded_views import Span

# Begins with a plain set, which the engine skips to; what may follow depends on the character just read.
MASK: Final = re.compile(r"[*.…\\&](?:(?<=\*)\*+|(?<=\.)\.+|(?<=…)…*|(?<=\\)u2026(?:\\u2026)*|(?<=&)hellip;)")
"""`***` or `…`: what stands for the hidden middle of a key."""

_TRAILING: Final = ",;:.)}]"
"""Stays when an unquoted value ends in it: it belongs to the sentence or the document around."""
_LITERALS: Final = frozenset({"null", "None", "true", "True", "false", "False"})

_HEADER: Final = re.compile(
    r"(?P<name>proxy-authorization|authorization|x-goog-api-key|ocp-apim-subscription-key|x-api-key|api-key)"
    r"(?P<close>\\*[\"'])?(?P<separator>[ \t]*:[ \t]*|,[ \t]*)(?:[\[(][ \t]*)?(?:b?(?P<open>\\*[\"']))?",
    re.IGNORECASE,
)
"""`authorization: Bearer` or `(b'x-api-key', b'`: the name, and what stands before the value."""
_PAIR_START: Final = re.compile(r"[\[(][ \t]*b?\\*[\"']\Z")
"""`('`, before the name in a pair like `('api-key', 'value')`."""
_PAIR_END: Final = re.compile(r"\\*[\"'][ \t]*,?[ \t]*[\])]|\Z")
"""`')` behind its value, or the end of the text."""
_SCHEME: Final = re.compile(r"(?:bearer|basic|token)[ \t]+", re.IGNORECASE)
"""`Bearer ` before the key."""
_UNQUOTED: Final = re.compile(r"[^\s\"'\\<>]*")
"""`abc,` of `x-api-key: abc, accept: text/plain`."""
_QUOTED: Final = {
    '"': re.compile(r'(?:[^"\\\r\n]|\\.){0,16384}+(?=")'),
    "'": re.compile(r"(?:[^'\\\r\n]|\\.){0,16384}+(?=')"),
}
_ESCAPED_QUOTED: Final = re.compile(r"[^\"'\\\r\n]{0,16384}+(?=\\+[\"'])")
r"""`abc\"` of `{\"x-api-key\": \"abc\"}`, a document inside a string; without the end."""
_BARE_AUTHORIZATION: Final = 16
"""Characters from which an Authorization value without scheme is taken for a key, if it has a digit."""
_DIGIT_UNQUOTED: Final = re.compile(r"[^\s\"'\\<>0-9]{0,512}[0-9]")
"""`abc1` of `authorization: abc123`; `authorization: required` has none."""
_DIGIT_QUOTED: Final = re.compile(r"[^\"'\r\n0-9]{0,512}[0-9]")
"""`abc 1` of `"abc 123"`."""

_USERINFO: Final = re.compile(r":\\?/\\?/(?P<value>[^\s/?#\"'<>\\]+)@")
"""`://user:secret@` of a URL."""
_QUERY: Final = re.compile(
    r"(?:[?&]|&amp;|\\u0026)(?:key|api_key|api-key|access_token|token|subscription-key)="
    r"(?P<value>[^&#\s\"'<>\\]+)",
    re.IGNORECASE,
)
r"""`?key=abc`, also as `\u0026key=abc` in JSON."""
_SHAPE: Final = re.compile(r"sk-(?:(?:proj|ant|or|svcacct|admin)-)?|gsk_|AIza|hf_|nvapi-|xai-|r8_")
"""`sk-proj-` or `gsk_`, as keys begin."""
_LONG_TAIL: Final = re.compile(r"[A-Za-z0-9]{20,}")
"""`abcdefghij0123456789` behind `sk-`."""
_LONG_DASHED_TAIL: Final = re.compile(r"[A-Za-z0-9_-]{20,}")
"""`abc_defghij-0123456789` behind `AIza`."""
_ECHO: Final = re.compile(
    r"api[ _-]?key[^:=\r\n]{0,80}[:=][ \t]*(?:\\*[\"'`])?(?P<value>(?:[^\s\"'`<>\\]|\\u2026)+)", re.IGNORECASE
)
"""`API key provided: sk-ab***yz`."""
_ECHO_MASK: Final = re.compile(r"\*{3,}|\.{3,}|…+|(?:\\u2026)+")
"""`***` in it, or `...`."""

_ESCAPE_BEFORE: Final = re.compile(r"(?:\\[nrtbf]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2})\Z")
r"""`\n` in `\nsk-abc`, whose `n` is no letter of a word; `%3D`."""


def find_suspected_spans(text: str) -> Iterator[Span]:
    """Every find, in any order; finds may overlap."""
    lowered = text.lower()
    if "api-key" in lowered or "authorization" in lowered or "subscription-key" in lowered:
        yield from _find_header_values(text)
    if "=" in text:
        for found in _QUERY.finditer(text):
            yield found.start("value"), _strip_trailing(text, *found.span("value"))
    if "@" in text:
        for found in _USERINFO.finditer(text):
            yield found.span("value")
    yield from _find_key_shapes(text)
    if "key" in lowered:
        yield from _find_echoes(text)


def is_word_start(text: str, position: int) -> bool:
    """Whether no ASCII letter or digit stands before `position`, but for one that ends an escape (`\\n`, `%3D`)."""
    before = text[position - 1 : position]
    if not (before.isascii() and before.isalnum()):
        return True
    return _ESCAPE_BEFORE.search(text[max(0, position - 6) : position]) is not None


def _find_header_values(text: str) -> Iterator[Span]:
    done = 0
    for found in _HEADER.finditer(text):
        name_at, start = found.start("name"), found.end()
        if name_at < done or text[name_at - 1 : name_at] in ("-", "_") or not is_word_start(text, name_at):
            continue
        if found["separator"].startswith(",") and not _is_pair(text, found):
            continue
        if scheme := _SCHEME.match(text, start):
            start = scheme.end()
        elif found["name"].lower() == "authorization" and not _can_be_key(text, start, found["open"]):
            continue
        end = _find_value_end(text, start, found["open"])
        if start < end and text[start:end] not in _LITERALS:
            done = end
            yield start, end


def _can_be_key(text: str, start: int, quote: str | None) -> bool:
    """Whether an Authorization value without scheme is long enough and has a digit."""
    # The digit first: it bounds the work on a text that repeats the header's name.
    if not (_DIGIT_QUOTED if quote else _DIGIT_UNQUOTED).match(text, start):
        return False
    return _find_value_end(text, start, quote) - start >= _BARE_AUTHORIZATION


def _is_pair(text: str, found: re.Match[str]) -> bool:
    """Whether a name with a comma after it opens a pair, like `('api-key', 'value')`, and not a list of names."""
    start = found.start("name")
    opening = _PAIR_START.search(text[max(0, start - 8) : start])
    if not (found["close"] and found["open"] and opening):
        return False
    end = _find_value_end(text, found.end(), found["open"])
    return opening.group().startswith("(") or _PAIR_END.match(text, end) is not None


def _find_value_end(text: str, start: int, quote: str | None) -> int:
    """Where the value ends: at its closing quote, or before white space, quote, backslash, `<` or `>`."""
    if quote:
        quoted = (_QUOTED[quote] if len(quote) == 1 else _ESCAPED_QUOTED).match(text, start)
        if quoted:
            return quoted.end()
    unquoted = _UNQUOTED.match(text, start)
    return _strip_trailing(text, start, unquoted.end()) if unquoted else start


def _find_key_shapes(text: str) -> Iterator[Span]:
    """Keys known by their prefix, with twenty characters or more after it."""
    end = 0
    for found in _SHAPE.finditer(text):
        if found.start() < end or not is_word_start(text, found.start()):
            continue
        dashed = found.group().count("-") == 2 or found.group() in ("AIza", "nvapi-")
        tail = (_LONG_DASHED_TAIL if dashed else _LONG_TAIL).match(text, found.end())
        if tail:
            end = tail.end()
            yield found.start(), end


def _find_echoes(text: str) -> Iterator[Span]:
    """What a provider shows of a key: the masked word after `API key … :`."""
    for found in _ECHO.finditer(text):
        start, end = found.span("value")
        mask = _ECHO_MASK.search(text, start, end)
        if mask and (mask[0][0] == "*" or _has_key_characters(text[start : mask.start()], text[mask.end() : end])):
            yield start, max(_find_last_mask_end(text, start, end), _strip_trailing(text, start, end))


def _has_key_characters(before: str, after: str) -> bool:
    """Whether letters or digits of a key stand around the dots; a plain word before `...` is prose."""
    if any(character.isalnum() for character in after):
        return True
    return any(character.isdigit() or character in "-_" for character in before)


def _find_last_mask_end(text: str, start: int, end: int) -> int:
    return max(mask.end() for mask in _ECHO_MASK.finditer(text, start, end))


def _strip_trailing(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1] in _TRAILING:
        end -= 1
    return end
