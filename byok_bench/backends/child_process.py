"""The parent's side of a backend process: start it under the leash, hear its address, stop it.

The child's side is leash.py. `subprocess` instead of asyncio's processes, so that a child may be stopped from
another event loop than it was started in.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from byok_bench.errors import BackendError
from byok_bench.redact import redact

_LEASH = Path(__file__).with_name("leash.py")
_PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
)
"""Environment the child gets. The rest stays here: it holds keys, and settings that servers read (LLAMA_ARG_…)."""
_STOP_S = 5.0
_LOG_TAIL_BYTES = 2000
_PROBE_EVERY_S = 0.05


class Child:
    """One server process. `module` is a file with `serve(settings, announce, stop)`, see leash.py."""

    def __init__(
        self,
        name: str,
        module: Path,
        settings: Mapping[str, Any],
        *,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._command = [python, "-P", str(_LEASH), str(module)]
        self._settings = dict(settings)
        passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        self._environment = {**passed_on, **(environment or {})}
        self._secrets = tuple(secrets)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id, None while it does not run."""
        return self._process.pid if self._process else None

    async def start(self, ready_path: str, headers: Mapping[str, str], timeout_s: float) -> str:
        """Start, and return the root URL once `ready_path` answers 200. Raises BackendError."""
        if self._process is not None:
            raise BackendError(f"{self.name} is already running", code="already_running")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        process = self._process = self._spawn(self._log)
        settings = {
            **self._settings,
            "end_with_thread": threading.current_thread() is threading.main_thread(),
        }
        deadline = time.monotonic() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                message = await asyncio.to_thread(_introduce, process, settings)
                url = self._read_address(message)
                if not await asyncio.to_thread(_wait_until_ready, process, url + ready_path, headers, deadline):
                    raise self._make_error("ended while it started", "start_failed")
        except TimeoutError:
            problem = self._make_error(f"did not answer within {timeout_s:.0f} s", "start_timeout")
        except BackendError as error:
            problem = error
        except BaseException:
            await self.stop()
            raise
        else:
            return url
        await self.stop()
        raise problem

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """In the calling thread itself, since on Linux the child ends with the thread that started it."""
        pipe = subprocess.PIPE
        return subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=log, env=self._environment)

    async def stop(self) -> None:
        """Close the child's stdin, which is the order to stop; kill it if it does not follow."""
        process, log = self._process, self._log
        self._process = self._log = None
        if process is not None:
            # Shielded: a second Ctrl-C must not leave the process behind.
            await asyncio.shield(asyncio.to_thread(_end_process, process))
        if log is not None:
            log.close()

    def _read_address(self, message: Mapping[str, Any]) -> str:
        if "error" in message:
            raise self._make_error(str(message["error"]), str(message.get("code", "start_failed")))
        if "url" not in message:
            raise self._make_error("ended while it started", "start_failed")
        return str(message["url"])

    def _make_error(self, what: str, code: str) -> BackendError:
        tail = ""
        if self._log is not None:
            self._log.flush()
            size = os.fstat(self._log.fileno()).st_size
            self._log.seek(max(0, size - _LOG_TAIL_BYTES))
            tail = self._log.read().decode("utf-8", "replace").strip()
        text = f"{self.name} {what}" + (f"; its last words:\n{tail}" if tail else "")
        return BackendError(redact(text, self._secrets), code=code)


def _introduce(process: subprocess.Popen[bytes], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Hand over the settings and wait for the first message; an empty one if the process ended instead."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return {}
    line = process.stdout.readline()
    return json.loads(line) if line else {}


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, headers: Mapping[str, str], deadline: float) -> bool:
    """Ask until the answer is 200 or the deadline is over; False if the process ended."""
    parts = urlsplit(url)
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise TimeoutError
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
        try:
            connection.request("GET", parts.path, headers=dict(headers))
            if connection.getresponse().status == 200:
                return True
        except (OSError, http.client.HTTPException):
            pass  # not up yet: the deadline decides
        finally:
            connection.close()
        time.sleep(_PROBE_EVERY_S)
    return False


def _end_process(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # After the process, since a thread may still read from it.
    if process.stdout:
        process.stdout.close()
