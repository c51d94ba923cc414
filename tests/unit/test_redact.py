"""redact: what is found, what survives, and that it can be applied to anything."""

import ast
import base64
import html
import inspect
import json
import re
import tomllib
import urllib.parse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from byok_bench.redact import REDACTED, decoded_views, redact, suspected_keys

KEY = "sk-live-Abc+def/123"
CASES = tomllib.loads((Path(__file__).parent / "redact_cases.toml").read_text())["case"]
SURVIVORS = [case for case in CASES if case["name"].startswith("survives")]
MARKS = "Authorization: Bearer x-api-key, '\":=?&@/.*…%\\n\n│ sk-[redacted]abcdefgh0123456789"

keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=40)
texts = st.text(st.one_of(st.characters(), st.sampled_from(MARKS)), max_size=200) | st.lists(
    st.sampled_from(
        ["Authorization: ", "Bearer ", "api-key", "'", '"', ": ", "sk-", "sk-proj-", "abcdefghijklmnopqrst1", "***",
         "...", "API key", "://", "@", "?key=", "&", "\\", "\n", "│", REDACTED, "hf_", "%73", "\\u0073", "&#115;", "x"]
    )
).map("".join)  # fmt: skip
secret_lists = st.lists(st.text(max_size=12) | keys | st.sampled_from(["redacted", "abcdefgh", "a***bcde"]), max_size=3)


def in_base64(key: str, before: bytes = b"", after: bytes = b"", *, url: bool = False) -> str:
    """The key inside a longer text, as base64."""
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    return encode(before + key.encode() + after).decode()


ENCODINGS = {
    "itself": str,
    "percent, reserved": lambda key: urllib.parse.quote(key, safe=""),
    "percent, path": urllib.parse.quote,
    "percent, all": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "repr": lambda key: repr(key)[1:-1],
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON twice": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "JSON of a repr": lambda key: json.dumps(repr(key)[1:-1])[1:-1],
    "JSON, slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "JSON, all": lambda key: "".join(f"\\u{ord(character):04x}" for character in key),
    "HTML": html.escape,
    "hex": lambda key: key.encode().hex(),
    "HEX": lambda key: key.encode().hex().upper(),
    "reversed": lambda key: key[::-1],
    "base64": in_base64,
    "base64 1": lambda key: in_base64(key, b":"),
    "base64 2": lambda key: in_base64(key, b"user:", b"x"),
    "base64 3": lambda key: in_base64(key, b"abc", b"xy"),
    "base64url": lambda key: in_base64(key, b"a", b"z", url=True).rstrip("="),
    "wrapped": lambda key: "\n    ".join(key),
    "wrapped in a repr": lambda key: "\\n".join(key),
    "boxed": lambda key: " │\r\n│ ".join((key[:4], key[4:])),
}

ALONE = {name: ENCODINGS[name] for name in ENCODINGS if name not in ("base64 2", "base64 3", "base64url")}
"""Without those of a longer text that holds the key."""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_texts_come_out_as_written_in_the_cases(case: dict[str, Any]) -> None:
    """Each find and each survivor of the cases file is as it says."""
    assert redact(case["text"], case.get("secrets", [KEY])) == case.get("expected", case["text"])


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_planted_key_is_gone_in_every_encoding(encode: Any) -> None:
    """No printable key of eight characters or more survives, however it is written."""

    # A stray `%` or backslash right before an escaped key can be read as a part of it; before a plain one it cannot.
    stray = ["%", "\\"] if encode is str else []

    @given(keys, st.sampled_from(["", "a ", "(", "x", "=", "\n", *stray]))
    def gone(key: str, before: str) -> None:
        assume(encode is not ENCODINGS["wrapped in a repr"] or "\\" not in key)
        planted = encode(key)
        result = redact(f"{before}{planted} and more", [key])
        assert planted not in result.replace(REDACTED, "")
        assert REDACTED in result

    gone()


@pytest.mark.parametrize("encode", ALONE.values(), ids=ALONE)
def test_a_key_that_stands_alone_leaves_nothing_of_its_form(encode: Any) -> None:
    """What stands for the whole key goes whole, and nothing beside it does."""

    @given(keys)
    def whole(key: str) -> None:
        assume(encode is not ENCODINGS["wrapped in a repr"] or "\\" not in key)
        assert redact(f"( {encode(key)} )", [key]) == f"( {REDACTED} )"

    whole()


@given(st.lists(keys, max_size=3))
def test_no_key_takes_a_survivor_along(secrets: list[str]) -> None:
    """Whatever the keys are, ids, hashes, prose and tracebacks stay as they are."""
    for case in SURVIVORS:
        assume(not any(key in case["text"] or key[::-1] in case["text"] for key in secrets))
        assert redact(case["text"], secrets) == case["text"]


@given(texts, secret_lists)
def test_redacting_again_changes_nothing(text: str, secrets: list[str]) -> None:
    """redact(redact(x)) == redact(x), for any text and any list."""
    once = redact(text, secrets)
    assert redact(once, secrets) == once


@given(texts)
def test_what_is_left_is_a_part_of_the_text(text: str) -> None:
    """Nothing is added, moved or changed: the pieces between replacements stand in the text in this order."""
    rest = text
    for piece in redact(text, [KEY]).split(REDACTED):
        assert piece in rest
        rest = rest[rest.index(piece) + len(piece) :]


@pytest.mark.parametrize(
    "secrets", [[], [""], [None, 3, b"bytes"], ["\ud800" * 9], ["\\" * 40], "sk-in-a-plain-string", None]
)
def test_a_strange_list_of_secrets_raises_nothing(secrets: Any) -> None:
    """Whatever stands in the list, text goes in and text comes out."""
    assert "plain" not in redact("\ud800 sk-in-a-plain-string" * 2, secrets) or secrets != "sk-in-a-plain-string"


UNITS = ("a", " ", "\n", "%41", "\\", "\\n", "api-key:", "authorization:", "authorization:'", "://a@", "api key: a***",
         "a***", "ask-or-", "&key=", REDACTED, " │", "api-key:\"' ", "hf_")  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", UNITS)
def test_a_long_text_of_one_pattern_comes_to_an_end(unit: str) -> None:
    """Work grows about linearly: quadratic work on this text would outlast the time limit by far."""
    text = unit * (250_000 // len(unit))
    assert len(redact(text, [KEY, "a***bcde"])) < 3 * len(text)


def test_a_very_long_key_is_found() -> None:
    """Length is no excuse: a token of 100 000 characters goes whole."""
    token = "ab1." * 25_000
    assert redact(f"<{token}>", [token]) == f"<{REDACTED}>"


def iterate_examples() -> Iterator[tuple[str, re.Pattern[str], str]]:
    """Each pattern of the search, and the first text in backticks below it."""
    for module in (decoded_views, suspected_keys):
        body = ast.parse(inspect.getsource(module)).body
        for statement, below in pairwise(body):
            name = statement.target.id if isinstance(statement, ast.AnnAssign) else ""
            pattern = getattr(module, name, None)
            if isinstance(pattern, re.Pattern):
                told = below.value.value if isinstance(below, ast.Expr) else ""
                yield name, pattern, re.findall("`([^`]+)`", told)[0]


@pytest.mark.parametrize(("name", "pattern", "example"), list(iterate_examples()))
def test_every_pattern_has_an_example_that_it_finds(name: str, pattern: re.Pattern[str], example: str) -> None:
    """Nobody reads such a pattern, and an example beside it may rot."""
    assert pattern.search(example)
