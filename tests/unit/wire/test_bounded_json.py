"""wire/bodies/bounded_json.py: JSON of unknown origin."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.wire.bodies.bounded_json import Malformed, decode_json, find_passed_limit
from byok_bench.wire.limits import Limits

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_json_reads_as_the_standard_library_reads_it(value: Any, ascii_only: bool, indent: int | None) -> None:
    """Any value comes back, written with or without escapes and line breaks."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert decode_json(text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "{", "{'a':1}", '{"a":1,}', "[1,]", "01", "1.", ".5", "+1", "NaN", "Infinity", "-Infinity",
        '{"a":NaN}', '"\t"', '"\\x"', '"\\u12"', "tru", '{"a":1} x', "\ufeff{}", "\u00a0{}", "[1 2]", "{1:2}",
    ],
)  # fmt: skip
def test_what_is_no_json_is_told(text: str) -> None:
    """Everything that RFC 8259 does not allow is a Malformed, the constants of Python included."""
    found = decode_json(text)
    assert isinstance(found, Malformed)
    assert found.why == "syntax"


def test_half_a_surrogate_pair_stays_in_the_string() -> None:
    """It may be joined with the other half of a later delta."""
    assert decode_json('"\\ud83d"') + decode_json('"\\ude00"') == "\ud83d\ude00"


def test_numbers_beyond_a_double_are_numbers() -> None:
    """Syntax decides, not size."""
    assert decode_json("1e999") == math.inf
    assert decode_json("9" * 400) == int("9" * 400)


def test_bytes_have_to_be_utf8() -> None:
    """Bytes are decoded strictly."""
    assert decode_json('"ä"'.encode()) == "ä"
    assert isinstance(decode_json(b'"\xff"'), Malformed)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 201 + "]" * 201, "depth"),
        ('{"a":' * 201 + "1" + "}" * 201, "depth"),
        ("[" * 200 + "]" * 200, None),
        ("[" * 100_000, "depth"),
        ("1" * 401, "digits"),
        ("[1." + "1" * 400 + "]", "digits"),
        ("-" + "1" * 400, None),
        ('"' + "[" * 1000 + "1" * 1000 + '"', None),
        ('"' + '\\"' * 1000 + "[" * 1000 + '"', None),
        ("[" + ",".join(["[]"] * 1000) + "]", None),
    ],
)
def test_limits_count_what_is_outside_strings(text: str, why: str | None) -> None:
    """Depth and digits over the limit are told as such; brackets and digits in strings are text."""
    found = decode_json(text)
    assert (found.why if isinstance(found, Malformed) else None) == why


def test_limits_can_be_lowered() -> None:
    """The limits are those that are given."""
    limits = Limits(json_depth=2, json_digits=3)
    assert find_passed_limit("[[1234567]]", limits) == Malformed("digits", "a number of more than 3 digits")
    assert find_passed_limit("[[[12345]]]", limits) == Malformed("depth", "nested deeper than 2")


@pytest.mark.parametrize("piece", ['\\"', '"', "{", "\\\\", "1", '"{', "[]"])
def test_no_text_makes_it_slow(piece: str) -> None:
    """The work grows with the text: megabytes of any one thing are read before the suite's timeout."""
    assert isinstance(decode_json('"' + piece * 1_000_000 + "{" * 300), Malformed)
