"""`byok-bench serve`, as people start it: a process that says where it listens, and replays what a run recorded."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.simulated import body_for
from typer.testing import CliRunner

from byok_bench.backends.simulator.replay import Replay
from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.registry import run_checks
from byok_bench.cli import serve
from byok_bench.cli.main import build_app
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import send
from byok_bench.runs.runner import run

PROGRAM = "import typer; from byok_bench.cli import serve; app = typer.Typer(); serve.add_command(app); app()"
"""The command alone, so that no other command's module can break these tests."""


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[dict[str, Any]]:
    """The command as a process; what it says about itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield said
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def invoke(*options: str) -> tuple[int, str]:
    """The command within this process: exit code, and all it wrote."""
    result = CliRunner().invoke(build_app(), ["serve", *options])
    return result.exit_code, result.output


def endpoint_at(said: dict[str, Any]) -> Endpoint:
    """An endpoint for what a process said."""
    return Endpoint(label="served", base_url=said["base_url"], models=[Model(name) for name in said["models"]])


async def test_the_command_serves_the_fault_it_is_told() -> None:
    """`serve --fault ID` breaks that rule, at the address it says, until SIGTERM."""
    with serving("--fault", "stream.bom,delta.created", "--gap-ms", "0", "--ttft-ms", "0") as said:
        endpoint = endpoint_at(said)
        found = [[one.check for one in run_checks(await send(endpoint, body_for("chat")))] for _ in range(2)]
    assert sorted(found) == [["delta.created"], ["stream.bom"]]


async def test_any_model_is_served_unless_some_are_named() -> None:
    """An agent's own model name works as it is; with `--model` a name that is not listed gets 404."""
    with serving("--ttft-ms", "0") as said:
        served = await send(endpoint_at(said), body_for("chat"), model="gpt-of-somebody")
    with serving("--ttft-ms", "0", "--model", "one") as said:
        refused = await send(endpoint_at(said), body_for("chat"), model="gpt-of-somebody")
    assert served.error is None
    assert refused.error is not None
    assert refused.error.kind == "not_found_model"


async def test_the_command_demands_the_key_of_a_variable() -> None:
    """`--key-env` names the variable; without that key the answer is 401."""
    with serving("--key-env", "SERVED_KEY", SERVED_KEY="sk-served-0123456789") as said:
        exchange = await send(endpoint_at(said), body_for("chat"))
    assert exchange.error is not None
    assert exchange.error.kind == "auth"


async def test_a_run_is_replayed_from_its_result_file(tmp_path: Path) -> None:
    """What a run recorded is served again: the same bytes, to the same requests."""
    store = tmp_path / "bench.sqlite"
    async with Simulator(ttft_ms=1, gap_ms=1, tokens=6) as server:
        done = await run(server.endpoint, ["plain-answer", "forced-tool"], repeats=2, warmup=0, store=store)
    tapes = serve.list_recordings("last", store, None)
    assert len(tapes) == 4
    async with Replay(tapes, speed=0) as replay:
        again = Counter()
        for tape in tapes:
            exchange = await send(replay.endpoint, json.loads(tape.body), model=tape.model)
            again[b"".join(data for _, data in exchange.chunks)] += 1
    recorded = Counter(b"".join(data for _, data in exchange.chunks) for _, exchange in done.iterate_exchanges())
    assert again == recorded
    assert serve.list_recordings("last", store, server.label) == tapes


WRONG = {
    "an unknown fault": (("--fault", "stream.bomm"), "did you mean stream.bom"),
    "an unknown profile": (("--profile", "openroute"), "openrouter"),
    "faults on a replay": (
        ("--replay", "last", "--fault", "stream.bom"),
        "--replay and --fault exclude each other",
    ),
    "a key that is not set": (("--key-env", "NO_SUCH_KEY"), "NO_SUCH_KEY is not set"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_one_line_and_exit_code_2(what: str) -> None:
    """What cannot be served is refused before anything listens."""
    options, words = WRONG[what]
    code, output = invoke(*options)
    assert code == 2
    assert words in output
    assert len(output.strip().splitlines()) == 1


def test_the_faults_are_listed() -> None:
    """`serve --list` names every fault, as text and as JSON."""
    code, text = invoke("--list")
    assert code == 0
    code, document = invoke("--list", "--json")
    assert {entry["id"] for entry in json.loads(document)} == {line.split()[0] for line in text.splitlines()}
