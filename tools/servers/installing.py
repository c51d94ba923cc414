"""Install into environments of their own, from pins; once."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.servers.places import ROOT, environment_of, program_beside
from tools.servers.server import CannotBeHad

INSTALL_TIMEOUT_S = 1800.0


def install_pins(name: str, stem: str | None = None) -> Path:
    """The environment with exactly what constraints-servers-NAME.txt pins, and nothing that it does not name.

    A stamp inside the environment holds the pins that it was made from. Raises CannotBeHad.
    """
    environment, pins = environment_of(name), ROOT / f"constraints-servers-{stem or name}.txt"
    stamp = environment / "installed.txt"
    if not stamp.is_file() or stamp.read_text() != pins.read_text():
        run_step([sys.executable, "-m", "venv", str(environment)])
        pip = program_beside(environment, "pip")
        run_step([pip, "install", "-q", "--disable-pip-version-check", "--no-deps", "-r", str(pins)])
        stamp.write_text(pins.read_text())
    return environment


def pinned(name: str, package: str) -> str:
    """The version of a package in constraints-servers-NAME.txt."""
    for line in (ROOT / f"constraints-servers-{name}.txt").read_text().splitlines():
        if line.partition("==")[0] == package:
            return line.partition("==")[2]
    raise KeyError(package)


def run_step(command: Sequence[str], cwd: Path = ROOT) -> str:
    """Stdout of one step of an installation. Raises CannotBeHad with the last words of what failed."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBeHad(f"{command[0]}: {error}") from error
    if done.returncode:
        raise CannotBeHad(f"{' '.join(command)}: {done.stderr.strip()[-800:]}")
    return done.stdout
