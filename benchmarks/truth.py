"""The server that knows when it sent each event, built from C and run on a core of its own."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "benchmarks"
SERVER_CORE, CLIENT_CORE = 0, 1


def compiled(name: str) -> Path:
    """Path of a C program of this folder, compiled if its source is newer."""
    source, program = HERE / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise SystemExit("the benchmarks need a C compiler: apt-get install gcc")
        BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


def environment(**more: str) -> dict[str, str]:
    """For programs that are measured: they find their bytecode ready from the second start on."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(BUILD / "bytecode")} | more


def pinned(core: int, command: list[str]) -> list[str]:
    """The command on one core, where the machine can pin; before what else runs there, where we may say so."""
    if not shutil.which("taskset") or (os.cpu_count() or 1) < 2:
        return command
    first = ["nice", "-n", "-15"] if os.geteuid() == 0 else []
    return [*first, "taskset", "-c", str(core), *command]


class TruthServer:
    """A running server: its port, and what it knows of the requests since the last look."""

    def __init__(self, port: int) -> None:
        self.port = port

    def log(self) -> dict[str, dict[str, Any]]:
        """The records by request id."""
        return {record["id"]: record for record in self.records()}

    def records(self) -> list[dict[str, Any]]:
        """One a request: {id, request_ns, end_ns, sent_ns, cpu_s}; forgotten by the server afterwards."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log", timeout=60) as answer:
            return [json.loads(line) for line in answer]


@contextmanager
def truth_server() -> Iterator[TruthServer]:
    """Start the server, stop it at the end; it also ends when this process does."""
    process = subprocess.Popen(
        pinned(SERVER_CORE, [str(compiled("truth_server"))]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield TruthServer(int(process.stdout.readline().split()[1]))
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()
