"""Each tool in an environment of its own below build/benchmarks/tools, installed once."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.truth import BUILD

SECONDS_AT_MOST = 600


@dataclass(frozen=True)
class Installed:
    """Where a tool is, or why it is not there."""

    program: Path
    version: str = ""
    problem: str = ""


def installed(package: str, program: str, *, editable: bool = False) -> Installed:
    """Install a package by name, or this checkout, if it is not yet; what goes wrong is said, not raised."""
    name = program if editable else package.partition("[")[0]
    home = BUILD / "tools" / name
    pip, path, marker = home / "bin" / "pip", home / "bin" / program, home / ".installed"
    if not marker.exists():
        print(f"installing {package}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        began = time.monotonic()
        try:
            done = subprocess.run(
                [
                    str(pip),
                    "install",
                    "-q",
                    "--disable-pip-version-check",
                    *(["-e"] if editable else []),
                    package,
                ],
                capture_output=True,
                text=True,
                timeout=SECONDS_AT_MOST,
            )
        except subprocess.TimeoutExpired:
            return Installed(path, problem=f"not installed within {SECONDS_AT_MOST // 60} minutes")
        if done.returncode or not path.exists():
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return Installed(path, problem=f"does not install: {(said or ['no program'])[-1][:100]}")
        marker.write_text(f"{time.monotonic() - began:.0f} s\n")
    shown = subprocess.run([str(pip), "show", name], capture_output=True, text=True).stdout
    version = next((line.split()[1] for line in shown.splitlines() if line.startswith("Version:")), "")
    return Installed(path, version)
