"""What a workspace's policy says is held by every command that sends something."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.books import an_endpoint, written

from byok_bench.backends.simulator.server import Simulator
from byok_bench.cli.main import main
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.keys import KeyRef

COMMANDS = {
    "send": ("--prompt", "hi"),
    "check": (),
    "models": (),
    "run": ("--scenario", "plain-answer", "--repeats", "1"),
}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """One call of the command line, in this process: exit code, stdout, stderr."""

    def call(*arguments: str) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["byok-bench", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        streams = capsys.readouterr()
        return left.value.code, streams.out, streams.err

    return call


def policy(text: str) -> None:
    written(Path(os.environ["BYOK_BENCH_HOME"]), text, "policy.toml")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_address_given_by_option_is_ones_own_endpoint_too(call: Any, command: str) -> None:
    """With byok_enabled off no command sends to --base-url, or to an own endpoint of the book."""
    EndpointBook.open().add(an_endpoint("Mine", base_url="http://127.0.0.1:9/v1"))
    policy("byok_enabled = false\n")
    ask = COMMANDS[command]
    code, out, error = call(command, "--base-url", "http://127.0.0.1:9/v1", "--model", "m", *ask)
    assert (code, out) == (2, "")
    assert "byok_enabled in policy.toml" in error
    named = ("--endpoint", "Mine") if command == "run" else ("Mine",)
    code, out, error = call(command, *named, *ask)
    assert (code, out) == (2, "")
    assert "byok_enabled in policy.toml" in error


@pytest.mark.parametrize("command", ["send", "check", "models"])
def test_no_option_loosens_a_shared_workspace(call: Any, command: str) -> None:
    """Where the policy says `shared`, a loopback address is refused whatever --profile says."""
    policy('profile = "shared"\n')
    code, out, _ = call(
        command,
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--model",
        "m",
        "--profile",
        "local",
        "--json",
        *COMMANDS[command],
    )
    assert code != 0
    document = json.loads(out)
    if command == "check":
        [rung] = [one for one in document["rungs"] if one["name"] == "policy"]
        assert rung["verdict"] == "fail"
    else:
        error = document.get("exchange", document)["error"]
        assert (error["kind"], error["code"]) == ("egress", "insecure_http")


NOT_READY = {
    "a label that is not there": ({}, ("Nothing",), "no endpoint is called 'Nothing'; in the book: Mine"),
    "no model": ({"models": []}, ("Mine",), "It needs a model."),
    "a URL that is none": ({"base_url": "llm.example.com"}, ("Mine",), "Put https:// in front"),
    "a moved key": (
        {"key": KeyRef.env("K"), "key_origin": "https://elsewhere.example:443"},
        ("Mine",),
        "byok-bench endpoints edit 'Mine' --confirm-key",
    ),
    "a profile that is none": ({}, ("Mine", "--profile", "trusted"), "'trusted' is not one of"),
    "a schema that is none": ({}, ("--base-url", "http://127.0.0.1:9/v1", "--schema", "grpc"), "'grpc'"),
    "an address without a model": ({}, ("--base-url", "http://127.0.0.1:9/v1"), "name the model"),
    "nothing named": ({}, (), "name an endpoint of the book, or give --base-url"),
}


@pytest.mark.parametrize("case", NOT_READY)
def test_what_cannot_be_sent_to_is_told_with_what_to_do(call: Any, case: str) -> None:
    """Exit code 2, nothing on stdout, nothing sent, and the words say what is wrong and what to change."""
    fields, arguments, words = NOT_READY[case]
    EndpointBook.open().add(an_endpoint("Mine", **fields))
    code, out, error = call("check", *arguments, "--json")
    assert (code, out) == (2, "")
    assert words in " ".join(error.replace("│", " ").split())


def test_models_are_listed_for_an_endpoint_that_has_none_yet(call: Any) -> None:
    """The list is where one looks for the model to enter, so it is asked for: here by a port where nobody listens."""
    EndpointBook.open().add(an_endpoint("Mine", base_url="http://127.0.0.1:9/v1", models=[]))
    code, out, error = call("models", "Mine")
    assert (code, out) == (3, "")
    assert "network (connect)" in error


def test_a_policy_is_tried_as_it_would_hold(call: Any) -> None:
    """`judge` takes the workspace's profile and lists, as sending does; --policy takes others in their place."""
    policy('profile = "shared"\n[egress]\nallow_hosts = ["localhost"]\n')
    code, _, error = call("judge", "http://localhost:8080/v1")
    assert (code, "says profile shared" in error, "insecure_http" in error) == (1, True, True)
    other = written(Path(os.environ["BYOK_BENCH_HOME"]), 'deny_hosts = ["localhost"]\n', "other.toml")
    code, _, error = call("judge", "http://localhost:8080/v1", "--policy", str(other))
    assert (code, "host_denied" in error) == (1, True)
    policy("byok_enabledd = true\n")
    code, out, error = call("judge", "http://localhost:8080/v1")
    assert (code, out, "a policy has no field `byok_enabledd`" in error) == (2, "", True)


async def test_what_a_check_found_is_saved_on_request(tmp_path: Path) -> None:
    """With --save the model of the book has its capabilities with the evidence; without it the file stays."""
    async with Simulator(models=["m-1"]) as server:
        EndpointBook.open().add(an_endpoint("Mine", base_url=server.base_url))
        path = EndpointBook.open().path
        before = path.read_bytes()
        command = [sys.executable, "-m", "byok_bench", "check", "Mine", "--json"]
        plain = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
        assert path.read_bytes() == before
        await asyncio.to_thread(subprocess.run, [*command, "--save"], capture_output=True, check=True)
    document = json.loads(plain.stdout)
    assert document["ok"] is True
    assert document["requests"] == sum(rung["requests"] for rung in document["rungs"])
    assert [one["request"]["method"] for one in document["rungs"][6]["exchanges"]] == ["POST"]
    found = EndpointBook.open()["Mine"].models[0].capabilities
    assert (found.tools.state, found.streaming.state) == ("yes", "yes")
    assert found.tools.evidence
