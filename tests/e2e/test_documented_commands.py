"""The commands of tutorial and how-tos, as they are printed, against the simulator in place of each provider."""

import asyncio
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from support.killing import REPO

from byok_bench.backends.simulator.server import Simulator

PAGES = [REPO / "docs/tutorial.md", *sorted((REPO / "docs/howto").glob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
ADDRESS = re.compile(r"(--base-url )\S+")
PLACEHOLDER = "=…"


def find_free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def read_commands(page: Path, base_url: str, folder: Path) -> str:
    """The blocks of a page, in order, with what only its reader has filled in."""
    text = "\n".join(BLOCK.findall(page.read_text("utf-8")))
    if page.name == "tutorial.md":
        return text.replace("9101", str(find_free_port())).replace("9102", str(find_free_port()))  # its own servers
    (folder / "company-ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    return ADDRESS.sub(rf"\g<1>{base_url}", text).replace(PLACEHOLDER, "=a-key-of-nobody")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_commands_of_a_page_work_as_printed(page: Path, tmp_path: Path) -> None:
    """A reader who copies them sees no error."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = {"BYOK_BENCH_HOME": str(tmp_path / "home"), "PATH": path}
    async with Simulator(any_model=True) as simulator:
        commands = read_commands(page, simulator.base_url, tmp_path)
        assert commands
        done = await asyncio.to_thread(
            subprocess.run, ["bash", "-euo", "pipefail", "-c", commands], cwd=tmp_path, env=os.environ | home,
            capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_tutorial_ends_with_no_server_left() -> None:
    """What it starts in the background it stops."""
    text = (REPO / "docs/tutorial.md").read_text("utf-8")
    assert text.count(" &\n") == 2
    assert "kill %1 %2" in text
