"""`byok-bench lab`: JupyterLab on the workbench's notebooks.

They come with the package, and are opened as copies: what a person wrote into one is never written over.
"""

import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from byok_bench.cli.console import Exit, fail, note

PACKAGE: Final = Path(__file__).parents[1]
QUIET: Final = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
"""No question about news at the first start, and no look for updates: nothing leaves the machine unasked."""


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lab", short_help="Open JupyterLab on the notebooks")(open_lab)


def open_lab(
    folder: Annotated[
        Path | None, typer.Option(help="Folder of notebooks to open; else ./notebooks, else copies of the package's.")
    ] = None,
    copy: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Only copy the package's notebooks there; no file is replaced.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of JupyterLab; 0 picks a free one.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
) -> None:
    """Open JupyterLab on the notebooks; each starts the embedded backends that it needs."""
    if copy is not None:
        copy_notebooks(copy)
        note(f"Open them with: byok-bench lab --folder {shlex.quote(str(copy))}")
        raise typer.Exit(int(Exit.OK))
    if folder is not None and not folder.is_dir():
        fail(f"no folder {folder}: name one with notebooks, or leave --folder out")
    if find_spec("jupyterlab") is None:
        fail("JupyterLab is not installed: pip install 'byok-bench[lab]', or run `make lab`")
    folder = folder or find_own_notebooks()
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


def find_own_notebooks() -> Path:
    """`notebooks` in the working folder; where there is none, it is made, of copies of the package's."""
    own = Path("notebooks")
    if not own.is_dir():
        copy_notebooks(own)
    return own


def copy_notebooks(folder: Path) -> None:
    """Copy the package's notebooks that are not in the folder yet; a file that is there stays as it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in list_packaged_notebooks():
            target = folder / source.name
            if target.exists():
                note(f"{target} is there already and stays as it is")
            else:
                shutil.copyfile(source, target)
                note(f"copied: {target}")
    except OSError as error:
        fail(f"cannot copy notebooks to {folder}: {error.strerror}")


def list_packaged_notebooks() -> list[Path]:
    """The notebooks of the package: a wheel carries them inside, a source checkout has them beside."""
    places = (PACKAGE / "notebooks", PACKAGE.parent / "notebooks")
    return next((found for place in places if (found := sorted(place.glob("[0-9][0-9]_*.ipynb")))), [])


def _replace_process(command: list[str]) -> NoReturn:
    """Let JupyterLab take this process's place: it has its own answer to Ctrl-C, and stops its kernels."""
    if sys.platform != "win32":
        os.execv(command[0], command)
    has_ended_well = subprocess.call(command) == 0
    raise typer.Exit(int(Exit.OK if has_ended_well else Exit.UNFINISHED))
