"""The files of docs/scale.md do what they are for: their command lines are run as they stand there."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.bench_server import MODEL, BenchServer, serving
from support.killing import REPO

from byok_bench.runs.results import Run

PAGE = (REPO / "docs/scale.md").read_text(encoding="utf-8")
SHARDS = 4


def read_block(heading: str) -> str:
    """The first file below a heading."""
    after = PAGE.split(f"### {heading}\n", 1)[1]
    return re.split(r"```\w*\n", after, maxsplit=1)[1].split("```", 1)[0]


def list_kubernetes_scripts() -> list[tuple[str, dict[str, str]]]:
    """What each pod of the Job runs."""
    job: dict[str, Any] = yaml.safe_load(read_block("Kubernetes"))
    spec = job["spec"]
    assert spec["completions"] == SHARDS
    (container,) = spec["template"]["spec"]["containers"]
    return [(container["command"][-1], {"JOB_COMPLETION_INDEX": str(index)}) for index in range(SHARDS)]


def list_slurm_scripts() -> list[tuple[str, dict[str, str]]]:
    """What each task of the array runs."""
    script = read_block("Slurm")
    assert f"--array=1-{SHARDS}" in script
    return [(script, {"SLURM_ARRAY_TASK_ID": str(index)}) for index in range(1, SHARDS + 1)]


def list_ci_scripts() -> list[tuple[str, dict[str, str]]]:
    """What each job of the matrix runs."""
    job = yaml.safe_load(read_block("A CI matrix"))["jobs"]["bench"]
    shards = job["strategy"]["matrix"]["shard"]
    assert shards == list(range(1, SHARDS + 1))
    lines = "\n".join(step["run"] for step in job["steps"] if step.get("run", "").startswith("byok-bench"))
    return [(lines, {"SHARD": str(shard)}) for shard in shards]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the program is on the path, and what it is to find there."""
    program = tmp_path / "bin/byok-bench"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m byok_bench "$@"\n')
    program.chmod(0o700)
    (tmp_path / "parts").mkdir()
    (tmp_path / "tmp").mkdir()
    return tmp_path


async def call(script: str, folder: Path, more: dict[str, str]) -> int:
    """A script in a shell of its own, with the platform's variables."""
    environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(REPO)}
    environment |= {"TMPDIR": str(folder / "tmp"), "OPENAI_API_KEY": "unused", **more}
    script = script.replace("/tmp/part", f"{folder}/tmp/part")  # of the pod, which has a /tmp of its own
    child = await asyncio.create_subprocess_exec(
        "sh", "-e", "-c", script, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, said = await child.communicate()
    assert b"Traceback" not in said, said
    return child.returncode or 0


async def test_the_parts_of_a_kubernetes_job_are_joined_to_the_whole_plan(folder: Path) -> None:
    """From the Job's own script to the report, by the lines of the page; each exchange is asked once."""
    async with serving(BenchServer()) as server:
        write_plan(folder, server)
        codes = [await call(script, folder, more) for script, more in list_kubernetes_scripts()]
        assert codes == [0] * SHARDS
        report = yaml.safe_load(read_block("A CI matrix"))["jobs"]["report"]["steps"]
        for step in report:
            if step.get("run", "").startswith("byok-bench"):
                assert await call(step["run"], folder, {}) == 0
    joined = Run.open("last", folder / "all.sqlite")
    assert (joined.status, joined.states.total()) == ("finished", 2 * SHARDS)
    assert len(set(server.ids)) == len(server.ids)
    assert (folder / "report.html").is_file()


@pytest.mark.parametrize("listed", [list_slurm_scripts, list_ci_scripts])
async def test_each_platform_names_its_own_shard(listed: Any, folder: Path) -> None:
    """A task that played another's part would leave a hole that nobody sees before the merge."""
    async with serving(BenchServer()) as server:
        write_plan(folder, server)
        script, more = listed()[2]
        assert await call(script, folder, more) == 0
    assert find_shard(folder) == f"3/{SHARDS}"


def find_shard(folder: Path) -> str:
    """What was played into the third part."""
    part = next(path for path in folder.rglob("part3.sqlite") if path.parent.name != "tmp")
    return str(Run.open("last", part).plan.shard)


def write_plan(folder: Path, server: BenchServer) -> None:
    """The plan that the scripts name."""
    (folder / "plan.toml").write_text(
        f'version = 1\nscenarios = ["plain-answer", "unknown-model"]\nrepeats = {SHARDS}\nwarmup = 0\n'
        f'[[endpoint]]\nlabel = "e"\nbase_url = "{server.base_url}"\nmodels = ["{MODEL}"]\n'
    )
