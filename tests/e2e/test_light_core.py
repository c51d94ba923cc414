"""The core without any extra: what `check`, `send`, `run` and `report` need, and one line for what is missing.

`make light` installs the package alone into an environment of its own.
"""

import asyncio
import subprocess
from pathlib import Path

import pytest

from byok_bench.backends.simulator.server import Simulator

pytestmark = [pytest.mark.light, pytest.mark.timeout(180)]

PYTHON = Path(__file__).parents[2] / ".venv-light/bin/python"
INSTALLER = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
MOST_PACKAGES = 40
MOST_MEGABYTES = 70
NO_REPORT = "pandas is not installed: pip install 'byok-bench[report]'"


async def run_light(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The interpreter of the light environment, in an empty folder."""
    environment = {"BYOK_BENCH_HOME": str(folder / "home"), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    options = {"cwd": folder, "env": environment, "capture_output": True, "text": True, "timeout": 120}
    return await asyncio.to_thread(subprocess.run, [str(PYTHON), *arguments], check=False, **options)


def test_the_core_is_few_packages() -> None:
    """Without what installs them."""
    listed = subprocess.run(
        [PYTHON, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    names = {line.partition("=")[0] for line in listed.stdout.splitlines()} - set(INSTALLER)
    assert len(names) <= MOST_PACKAGES


def test_the_core_is_small() -> None:
    """Bytes of what was installed, compiled files left out: they are made on first use."""
    folder = next((PYTHON.parents[1] / "lib").glob("python3*/site-packages"))
    kept = [one for one in folder.iterdir() if not one.name.startswith(INSTALLER)]
    files = [file for one in kept for file in ([one] if one.is_file() else one.rglob("*"))]
    size = sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")
    assert size / 2**20 <= MOST_MEGABYTES


async def test_a_run_and_its_tables_need_no_extra(tmp_path: Path) -> None:
    """Played, kept, printed, and down to one exchange."""
    async with Simulator(faults=["stream.done-terminator"]) as simulator:
        target = ("--base-url", simulator.base_url, "--model", "simulator-1")
        checked = await run_light(tmp_path, "-m", "byok_bench", "check", *target)
        played = await run_light(tmp_path, "-m", "byok_bench", "run", *target, "--scenario", "plain-answer")
    assert (checked.returncode, played.returncode) == (0, 0), played.stderr
    for arguments in (["report", "last"], ["report", "--findings"], ["report", "--exchange", "1"]):
        shown = await run_light(tmp_path, "-m", "byok_bench", *arguments)
        assert shown.returncode == 0, shown.stderr


async def test_the_demo_says_what_is_missing_and_goes_on(tmp_path: Path) -> None:
    """The two simulators are played, and no report is written."""
    done = await run_light(tmp_path, "-m", "byok_bench", "demo", "--repeats", "1")
    assert done.returncode == 0, done.stderr
    assert "llama.cpp is not installed: pip install 'byok-bench[local]'" in done.stderr
    assert f"No report was written: {NO_REPORT}." in done.stderr
    assert "faulty simulator" in done.stdout


@pytest.mark.parametrize("code", ["bb.draw_streams", "bb.Run.open().table('latency')"])
async def test_python_names_the_extra(tmp_path: Path, code: str) -> None:
    """A name of the package that needs pandas raises the pip line, not a bare ModuleNotFoundError."""
    async with Simulator() as simulator:
        target = ("--base-url", simulator.base_url, "--model", "simulator-1")
        await run_light(tmp_path, "-m", "byok_bench", "run", *target, "--scenario", "plain-answer", "--repeats", "1")
    script = f"import byok_bench as bb\ntry:\n    {code}\nexcept bb.MissingPartError as error:\n    print(error)"
    done = await run_light(tmp_path, "-c", script)
    assert done.stdout.strip().endswith("pip install 'byok-bench[report]'"), done.stderr
