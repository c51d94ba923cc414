"""`byok-bench lab`: JupyterLab on a folder, as a person starts and stops it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from support.killing import REPO

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops by SIGTERM")


@contextmanager
def started(folder: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """The command, with everything that Jupyter keeps below `folder`; it is gone afterwards."""
    kept = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    child = subprocess.Popen(
        [sys.executable, "-m", "byok_bench", "lab", *(options or ("--no-browser", "--port", "0"))],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder,
        env=os.environ | kept | {"PYTHONPATH": str(REPO)},
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def contents(address: str) -> str:
    """What the server lists; it says where it will listen a moment before it does."""
    while True:
        try:
            with urlopen(address, timeout=20) as answer:
                listed: str = answer.read().decode()
                return listed
        except URLError:
            time.sleep(0.05)


def test_jupyterlab_is_there_and_goes_when_it_is_told(tmp_path: Path) -> None:
    """Also for root, as in a container; it opens the first notebook, and one signal ends all of it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_start_here.ipynb").write_text("{}")
    with started(tmp_path) as child:
        assert child.stderr is not None
        said = []
        for line in child.stderr:
            said.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab/tree/00_start_here\.ipynb\?token=(\w+)", line):
                break
        else:
            raise AssertionError("".join(said))
        assert "00_start_here.ipynb" in contents(f"{found[1]}/api/contents?token={found[2]}")
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=30)
    assert child.returncode == 0


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """And exit 2."""
    with started(tmp_path, "--folder", "nosuch") as child:
        _, err = child.communicate(timeout=60)
    assert child.returncode == 2
    assert err.splitlines() == ["byok-bench: no folder nosuch: name one with notebooks, or leave --folder out"]


def test_copies_replace_nothing_that_a_person_wrote(tmp_path: Path) -> None:
    """Notebooks come with the package; one that is there already stays as it is."""
    own = tmp_path / "mine/00_start_here.ipynb"
    own.parent.mkdir()
    own.write_text("edited")
    with started(tmp_path, "--copy", "mine") as child:
        _, err = child.communicate(timeout=60)
    assert child.returncode == 0
    assert own.read_text() == "edited"
    assert {one.name for one in own.parent.iterdir()} == {one.name for one in (REPO / "notebooks").glob("*.ipynb")}
    assert "mine/00_start_here.ipynb is there already and stays as it is" in err
