"""What a workspace's policy says is held by every command that sends something."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from support.books import an_endpoint, written

from byok_bench.cli.main import main
from byok_bench.endpoints.book import EndpointBook

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
    assert "no usable endpoint is called 'Mine'" in error


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
