"""Environment: a state that JSON can hold, and the tools that look at it and change it."""

from typing import Any, Final, Literal, Protocol

import msgspec

from byok_bench.scenarios.tools import Tool

EnvironmentName = Literal["cities", "files", "shell", "store"]
LARGEST_TEXT: Final = 200_000
"""Characters of a text that an environment takes; a model may send anything."""


class EnvironmentStart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which environment a scenario plays in, and how it begins."""

    name: EnvironmentName
    tools: tuple[str, ...] = ()
    """Only these of its tools are offered; empty: all."""
    files: dict[str, str] = {}
    """For files and shell: path → text."""
    store: dict[str, Any] = {}
    """For store: key → value."""


class Environment(Protocol):
    """What a sample's tools act on."""

    state: dict[str, Any]
    """All of it, as JSON; replaced to go back to an earlier one."""

    def list_tools(self) -> list[Tool]:
        """Its tools, in the order in which they are offered."""
