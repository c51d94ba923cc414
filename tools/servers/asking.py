"""The product, asked by its command line: the ladder with every probe, and the library of scenarios."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.servers.places import KEY_VARIABLE, MODEL

PROGRAM = str(Path(sys.executable).with_name("byok-bench"))
CHECK_TIMEOUT_S = 600.0
RUN_TIMEOUT_S = 1200.0
STOP_TIMEOUT_S = 60.0
REPEATS = 2


@dataclass
class Asked:
    """What one dialect of one server said."""

    schema: str
    check: dict[str, Any] | None = None
    run: dict[str, Any] | None = None
    problems: list[str] = field(default_factory=list)
    """What the product itself could not do: ended without JSON, or took too long."""


def ask_all(base_url: str, schema: str, options: list[str], key: str | None, folder: Path) -> Asked:
    """Climb the ladder, then play the library; results also go to `folder` as CHECK-SCHEMA.json and RUN-SCHEMA.json."""
    asked = Asked(schema)
    target = ["--base-url", base_url, "--model", MODEL, "--schema", schema, *options]
    target += ["--key-env", KEY_VARIABLE] if key else []
    environment = {**os.environ, **({KEY_VARIABLE: key} if key else {})}
    store = folder / f"{schema}.sqlite"
    store.unlink(missing_ok=True)
    scenarios = ["--scenario", "all", "--repeats", str(REPEATS), "--store", str(store), "--new"]
    asked.check = _ask(["check", *target, "--deep"], environment, CHECK_TIMEOUT_S, asked, folder)
    asked.run = _ask(["run", *target, *scenarios], environment, RUN_TIMEOUT_S, asked, folder)
    return asked


def _ask(
    arguments: list[str], environment: Mapping[str, str], timeout_s: float, asked: Asked, folder: Path
) -> dict[str, Any] | None:
    """The JSON that one command wrote. Past its time the command is interrupted, which keeps what was measured."""
    process = subprocess.Popen(
        [PROGRAM, *arguments, "--json"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, said = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        asked.problems.append(f"{arguments[0]} was stopped after {timeout_s:.0f} s")
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=STOP_TIMEOUT_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    (folder / f"{arguments[0]}-{asked.schema}.json").write_text(out)
    (folder / f"{arguments[0]}-{asked.schema}.txt").write_text(said)
    try:
        document: dict[str, Any] = json.loads(out)
    except json.JSONDecodeError:
        asked.problems.append(f"{arguments[0]} ended with {process.returncode}: {said.strip()[-300:]}")
        return None
    return document
