"""`byok-bench lab`: JupyterLab on the workbench's notebooks."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from byok_bench.cli.console import Exit, fail, note

QUIET = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
"""No question about news at the first start, and no look for updates: nothing leaves the machine unasked."""


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lab")(open_lab)


def open_lab(
    folder: Annotated[Path, typer.Option(help="Folder of notebooks to open.")] = Path("notebooks"),
    port: Annotated[int, typer.Option(help="Port of JupyterLab; 0 picks a free one.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
) -> None:
    """Open JupyterLab on the notebooks; each starts the embedded backends that it needs."""
    if not folder.is_dir():
        fail(f"no folder {folder}: run this where the notebooks are, or name them with --folder")
    if find_spec("jupyterlab") is None:
        fail("JupyterLab is not installed: pip install 'byok-bench[lab]', or run `make lab`")
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--port={port}",
    ]
    command += QUIET
    if not browser:
        command.append("--no-browser")
    if sys.platform != "win32" and os.geteuid() == 0:  # as in a container; Jupyter would refuse
        command.append("--allow-root")
    first = folder / "00_start_here.ipynb"
    if first.is_file():
        command.append(f"--LabApp.default_url=/lab/tree/{first.name}")
    note(f"JupyterLab on {folder}; stop it with Ctrl-C")
    _replace_process(command)


def _replace_process(command: list[str]) -> NoReturn:
    """Let JupyterLab take this process's place: it has its own answer to Ctrl-C, and stops its kernels."""
    if sys.platform != "win32":
        os.execv(command[0], command)
    raise typer.Exit(subprocess.call(command) and int(Exit.UNFINISHED))
