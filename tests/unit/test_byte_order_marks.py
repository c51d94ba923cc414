"""TOML as some editors of Windows save it: a mark in front, which says nothing and is passed over in every file."""

from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.workspace import read_workspace
from byok_bench.report.gates.rule_files import read_rules
from byok_bench.runs.planning.plan_file import read_plan
from byok_bench.scenarios.scenario_file import read_scenario_file

FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a book": (
        lambda path: list(EndpointBook.open(path)),
        'version = 1\n[[endpoint]]\nlabel = "A"\nbase_url = "http://127.0.0.1:9/v1"\n',
    ),
    "a plan": (read_plan, 'version = 1\nendpoints = ["A"]\nscenarios = ["plain-answer"]\n'),
    "a policy": (read_workspace, 'profile = "shared"\n'),
    "rules": (read_rules, 'version = 1\n[[rule]]\nmetric = "ttft_ms.p90"\nmax = 800\n'),
    "a scenario": (
        read_scenario_file,
        'version = 2\nname = "hi"\ntitle = "Hi"\n'
        '[[samples]]\nname = "one"\nmessages = [{ role = "user", content = "Hi" }]\n',
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_mark_in_front_changes_nothing(name: str, tmp_path: Path) -> None:
    """The file is read as it is without it."""
    read, text = FILES[name]
    path = tmp_path / "file.toml"
    path.write_bytes(text.encode())
    plain = read(path)
    path.write_bytes(BOM_UTF8 + text.encode())
    assert read(path) == plain
