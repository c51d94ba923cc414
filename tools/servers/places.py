"""Where things lie: the root of the repository, environments, results."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "build" / "servers"
LOOPBACK = "127.0.0.1"
MODEL = "smollm2-135m"
"""What every server calls the model."""
KEY_VARIABLE = "SERVER_KEY"
"""Holds the key of a server that demands one; set it to choose the key."""


def environment_of(name: str) -> Path:
    """The folder that a server is installed into."""
    return ROOT / f".venv-servers-{name}"


def program_beside(environment: Path, program: str) -> str:
    """A program of a Python environment."""
    return str(environment / "bin" / program)
