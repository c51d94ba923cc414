"""The lower bounds in pyproject.toml are true: with the lowest versions that they allow, every kind of work is done.

`make lowest` installs those versions, and nothing else, into an environment of its own.
"""

import asyncio
import subprocess
from pathlib import Path

import pytest

from byok_bench.backends.simulator.server import Simulator

pytestmark = [pytest.mark.lowest, pytest.mark.timeout(180)]

LOWEST_PYTHON = Path(__file__).parents[2] / ".venv-lowest/bin/python"
TARGET = ("--model", "simulator-1")
COMMANDS = {
    "help": ["--help"],
    "a request": ["send", "--base-url", "{url}", *TARGET, "--prompt", "Hello", "--json"],
    "the list of models": ["models", "--base-url", "{url}", "--json"],
    "responses": ["send", "--base-url", "{url}", *TARGET, "--schema", "responses", "--prompt", "Hello"],
    "messages": ["send", "--base-url", "{url}", *TARGET, "--schema", "messages", "--prompt", "Hello"],
    "the ladder": ["check", "--base-url", "{url}", *TARGET],
    "an address": ["judge", "http://127.0.0.1:8080/v1"],
    "an endpoint": ["endpoints", "add", "Mine", "--base-url", "{url}", "--model", "m"],
    "the list of endpoints": ["endpoints", "list"],
    "the catalogue": ["checks", "list"],
}
REPORTS = [["report", "last"], ["report", "last", "--html", "r.html"], ["report", "last", "--csv", "csv"]]
REPORTS += [["report", "last", "--parquet", "parquet"], ["report", "last", "--json"]]


async def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command with the lowest versions."""
    command = [str(LOWEST_PYTHON), "-m", "byok_bench", *arguments]
    environment = {"BYOK_BENCH_HOME": str(folder / "home"), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    options = {"cwd": folder, "env": environment, "capture_output": True, "text": True, "timeout": 90}
    return await asyncio.to_thread(subprocess.run, command, check=False, **options)


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_works_with_the_lowest_versions(name: str, tmp_path: Path) -> None:
    """Exit code 0, and no traceback."""
    async with Simulator() as simulator:
        done = await run_command(tmp_path, *(part.format(url=simulator.base_url) for part in COMMANDS[name]))
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr


async def test_a_run_and_its_reports_work_with_the_lowest_versions(tmp_path: Path) -> None:
    """Playing, keeping, tables, page and both exports."""
    async with Simulator() as simulator:
        target = ("--base-url", simulator.base_url, *TARGET)
        played = await run_command(tmp_path, "run", *target, "--scenario", "plain-answer", "--repeats", "2")
    assert played.returncode == 0, played.stderr
    for arguments in REPORTS:
        done = await run_command(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
