"""What a server has to say about itself; `play.py` does the rest."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence


class CannotBeHad(Exception):
    """The server can't be installed or started here; the message says which command failed, and how."""


class Server(ABC):
    """One server. A subclass is data and three verbs: install, command, version."""

    name: str
    """What it is called on the command line and in file names."""
    schemas: Sequence[str]
    """Dialects that it serves."""
    upstream: str | None = None
    """Name of the server that has to run behind it."""
    ready_path = "/health"
    """Answers 200 as soon as requests can be answered."""
    start_timeout_s = 120.0
    is_blocked_afterwards = False
    """It goes on computing what a client gave up, so that each dialect has to find a new one."""

    @abstractmethod
    def install(self) -> None:
        """Install what is missing. Raises CannotBeHad."""

    @abstractmethod
    def version(self) -> str:
        """Name and version as they are told in docs/field-notes.md."""

    @abstractmethod
    def command(self, port: int, upstream_url: str) -> list[str]:
        """What to start. upstream_url is `http://127.0.0.1:PORT`, empty without one."""

    def environment(self) -> Mapping[str, str]:
        """Variables of the process beside PATH, HOME and the locale."""
        return {}

    def key(self) -> str | None:
        """What the server demands as a key; None if it lets everyone in."""
        return None

    def options(self, upstream_url: str) -> list[str]:
        """Further options of `byok-bench check` and `run`."""
        return []
