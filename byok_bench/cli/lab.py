"""`byok-bench lab`: JupyterLab on the workbench's notebooks."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from byok_bench.cli.console import Exit, fail, note


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lab")(lab)


def lab(
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
    if not browser:
        command.append("--no-browser")
    note(f"JupyterLab on {folder}; stop it with Ctrl-C")
    raise typer.Exit(subprocess.call(command) and int(Exit.UNFINISHED))
