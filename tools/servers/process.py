"""A server's process: started in a group of its own, waited for, stopped with everything that it started."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.servers.places import LOOPBACK, RESULTS
from tools.servers.server import CannotBeHad

GRACE_S = 10.0
POLL_S = 0.2
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
"""The rest of our environment holds keys and settings that servers read."""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], ready_url: str, timeout_s: float, log: Path
) -> Iterator[None]:
    """Run the command for as long as the block; its output goes to `log`. Raises CannotBeHad if it gets not ready."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=RESULTS,
            env={**passed_on, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, ready_url, timeout_s, " ".join(command), log)
            yield
        finally:
            _end_group(process)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, timeout_s: float, command: str, log: Path) -> None:
    deadline = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_S)  # not up yet: the deadline decides
    ended = process.poll()
    why = f"no answer from {url} within {timeout_s:.0f} s" if ended is None else f"ended with {ended}"
    raise CannotBeHad(f"{command}: {why}; its last words:\n{log.read_text(errors='replace')[-1500:]}")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the group, which has the id of its leader, to end; end what is left of it after that."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
