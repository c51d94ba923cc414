"""cli/console.py: JSON on stdout."""

import json
from typing import Any

import pytest

from byok_bench.cli.console import emit_json


@pytest.mark.parametrize("document", [{"a": "\ud83d"}, {"\ude00": ["\ud83d", "é😀", 1.5, None]}, {"a": "é😀"}])
def test_half_a_surrogate_pair_can_be_printed(document: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A text that UTF-8 has no form for, in a request of the user's, comes out as it went in."""
    emit_json(document)
    written = capsys.readouterr().out
    assert written.endswith("\n")
    assert json.loads(written.encode()) == document
