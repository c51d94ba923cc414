"""tools/servers: a server that is played is waited for, and nothing of it is left; each one is pinned."""

import importlib
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PARENT = (
    "import subprocess, sys, http.server as h;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "open(sys.argv[2], 'w').write(str(child.pid));"
    "h.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()"
)
"""A server that starts a process of its own, as vLLM does."""


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """tools.servers, which runs from a checkout only; servers run in a folder that is gone afterwards."""
    monkeypatch.syspath_prepend(str(ROOT))
    process = importlib.import_module("tools.servers.process")
    monkeypatch.setattr(process, "RESULTS", tmp_path)
    return process


def is_running(pid: int) -> bool:
    """A zombie has ended."""
    status = Path(f"/proc/{pid}/status")
    return status.is_file() and "State:\tZ" not in status.read_text()


def wait_until_ended(pid: int) -> bool:
    """The end of a killed process is no matter of the same instant."""
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_server_is_gone_with_all_that_it_started(servers: Any, tmp_path: Path) -> None:
    """vLLM's engine is a process of its own, which outlives a leader that is only told to end."""
    port, note = servers.free_port(), tmp_path / "pid"
    command = [sys.executable, "-c", PARENT, str(port), str(note)]
    with servers.running(command, {}, f"http://127.0.0.1:{port}/", 20.0, tmp_path / "log"):
        child = int(note.read_text())
        assert is_running(child)
    assert wait_until_ended(child)


def test_a_server_that_does_not_start_says_why(servers: Any, tmp_path: Path) -> None:
    """Its last words are in the reason, and it is one that stops no other server."""
    from tools.servers.server import CannotBeHad

    command = [sys.executable, "-c", "import sys; sys.exit('no such model')"]
    reached = servers.running(command, {}, "http://127.0.0.1:9/", 20.0, tmp_path / "log")
    with pytest.raises(CannotBeHad, match="no such model"), reached:
        pass


def test_each_finding_is_told_once_with_its_count(servers: Any) -> None:
    """A call's finding stands in the tables of streams and of tools; the ladder's come on top."""
    asking, summary = (importlib.import_module(f"tools.servers.{name}") for name in ("asking", "summary"))
    row = {"findings": "tool.schema ×2, delta.created ×14"}
    tables = {"errors": [], "streaming": [row], "tools": [{"findings": "tool.schema ×1"}]}
    rung = {"name": "chat", "verdict": "warn", "findings": [{"check": "tool.schema"}]}
    asked = asking.Asked("chat", {"rungs": [rung]}, {"tables": tables})
    assert summary.summarise("x", "1", asked).splitlines()[1:] == [
        "  ladder: chat warn",
        "  library: ",
        "  findings: delta.created ×14, tool.schema ×3",
    ]
