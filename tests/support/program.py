"""The program in this process, where it needs none of its own."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from byok_bench.cli.main import main

Here = Callable[..., tuple[int, str, str]]
"""Arguments of `byok-bench` → (exit code, stdout, stderr)."""


def make_program(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """The program, called by its arguments."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["byok-bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return call
