"""cli/console.py: JSON on stdout."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from byok_bench.cli.console import emit_json
from byok_bench.cli.main import build_app


@pytest.mark.parametrize("document", [{"a": "\ud83d"}, {"\ude00": ["\ud83d", "é😀", 1.5, None]}, {"a": "é😀"}])
def test_half_a_surrogate_pair_can_be_printed(document: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A text that UTF-8 has no form for, in a request of the user's, comes out as it went in."""
    emit_json(document)
    written = capsys.readouterr().out
    assert written.endswith("\n")
    assert json.loads(written.encode()) == document


@pytest.mark.parametrize("group", [[], ["endpoints"], ["runs"], ["scenarios"], ["checks"]], ids=" ".join)
def test_no_line_of_a_list_of_commands_is_cut(group: list[str]) -> None:
    """Of a terminal of 80 columns."""
    shown = CliRunner().invoke(build_app(), [*group, "--help"], terminal_width=80)
    assert "Commands:" in shown.output
    assert "..." not in shown.output.partition("Commands:")[2]


@pytest.mark.parametrize("asked", [["checks", "list"], ["--version"]], ids=["a long output", "a short one"])
def test_a_pipe_that_nobody_reads_is_no_verdict(asked: list[str]) -> None:
    """`gate | head -1` must not look as if the gate had fallen short: nothing could be finished, and no word of it."""
    command = [sys.executable, "-m", "byok_bench", *asked]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (3, b"")
