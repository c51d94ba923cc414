"""`byok-bench check` and `models` as people start them: what goes where."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from support.killing import REPO

from byok_bench.checks.ladder.climb import RUNGS
from byok_bench.cli.main import main

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A correct simulator."""
    command = [sys.executable, "-m", "byok_bench", "serve", "--json", "--ttft-ms", "1", "--gap-ms", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPO) as child:
        assert child.stdout is not None
        yield str(json.loads(child.stdout.readline())["base_url"])
        child.terminate()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """The program in this process: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["byok-bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return call


def test_the_ladder_is_the_document_and_stands_on_stdout(here: Call, url: str) -> None:
    """`check > ladder.txt` holds it; the rungs in their order, and what they took."""
    code, out, err = here("check", "--base-url", url, "--model", "simulator-1")
    assert (code, err) == (0, "")
    assert [line[2:].split("  ")[0] for line in out.splitlines()[: len(RUNGS)]] == list(RUNGS)
    assert "requests" in out.splitlines()[-1]


def test_beside_a_json_document_the_rungs_are_for_people(here: Call, url: str) -> None:
    """stdout holds the document alone."""
    code, out, err = here("check", "--base-url", url, "--model", "simulator-1", "--json")
    assert (code, json.loads(out)["ok"]) == (0, True)
    assert len(err.splitlines()) == len(RUNGS) + 1


@pytest.mark.parametrize("command", [["models"], ["check"]])
def test_a_missing_v1_is_no_question_of_the_models_id(here: Call, url: str, command: list[str]) -> None:
    """GET /models names no model: what is not there is the route."""
    _, out, err = here(*command, "--base-url", url.removesuffix("/v1") + "/wrong", "--model", "simulator-1")
    assert "often /v1 is missing" in out + err
    assert "exact id" not in out + err


def test_a_connection_that_was_refused_is_no_request(here: Call) -> None:
    """Nothing was sent, and nothing is counted."""
    code, out, _ = here("check", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert code == 1
    assert out.splitlines()[-1].startswith("0 requests")
