"""What docs/proxy.md tells of LiteLLM in front of llama.cpp, as data."""

import tomllib
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "cases" / "proxy.toml"


def read_proxy_changes() -> dict[str, Any]:
    """Scenarios, changes, headers, and what stays the same."""
    return tomllib.loads(FILE.read_text("utf-8"))
