"""`byok-bench check` and `models` as people start them: what goes where."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.killing import REPO
from support.program import Here

from byok_bench.checks.ladder.climb import RUNGS
from byok_bench.report.evidence import list_failures
from byok_bench.runs.results import Run


@contextmanager
def served(*options: str) -> Iterator[str]:
    """A simulator of its own process; its base URL."""
    command = [sys.executable, "-m", "byok_bench", "serve", "--json", "--ttft-ms", "1", "--gap-ms", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPO) as child:
        assert child.stdout is not None
        try:
            yield str(json.loads(child.stdout.readline())["base_url"])
        finally:
            child.terminate()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A correct simulator."""
    with served() as base_url:
        yield base_url


def test_the_ladder_is_the_document_and_stands_on_stdout(here: Here, url: str) -> None:
    """`check > ladder.txt` holds it; the rungs in their order, and what they took."""
    code, out, err = here("check", "--base-url", url, "--model", "simulator-1")
    assert (code, err) == (0, "")
    assert [line[2:].split("  ")[0] for line in out.splitlines()[: len(RUNGS)]] == list(RUNGS)
    assert "requests" in out.splitlines()[-1]


def test_beside_a_json_document_the_rungs_are_for_people(here: Here, url: str) -> None:
    """stdout holds the document alone."""
    code, out, err = here("check", "--base-url", url, "--model", "simulator-1", "--json")
    assert (code, json.loads(out)["ok"]) == (0, True)
    assert len(err.splitlines()) == len(RUNGS) + 1


@pytest.mark.parametrize("command", [["models"], ["check"]])
def test_a_missing_v1_is_no_question_of_the_models_id(here: Here, url: str, command: list[str]) -> None:
    """GET /models names no model: what is not there is the route."""
    _, out, err = here(*command, "--base-url", url.removesuffix("/v1") + "/wrong", "--model", "simulator-1")
    assert "often /v1 is missing" in out + err
    assert "exact id" not in out + err


def test_a_connection_that_was_refused_is_no_request(here: Here) -> None:
    """Nothing was sent, and nothing is counted."""
    code, out, _ = here("check", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert code == 1
    assert out.splitlines()[-1].startswith("0 requests")


def test_a_reasoning_model_of_openai_is_mended_by_what_the_ladder_says(here: Here) -> None:
    """Each refusal names its remedy and a command; pasted as they stand, the ladder is green, and a run succeeds."""
    with served("--profile", "openai-reasoning") as base_url:
        here("endpoints", "add", "o", "--base-url", base_url, "--model", "simulation/reasons")
        here("run", "--endpoint", "o", "--scenario", "plain-answer", "--repeats", "1")
        (why,) = {row.why[-1].partition("instead. ")[2] for row in Run.open().rows if row.outcome == "failed"}
        assert why == "simulation/reasons wants max_completion_tokens: set rename=max_tokens:max_completion_tokens."
        assert {line["advice"] for line in list_failures(Run.open())} == {why}
        commands = []
        for _ in range(3):
            code, out, _ = here("check", "o")
            if code == 0:
                break
            (line,) = [line for line in out.splitlines() if "Do it: " in line]
            commands.append(line.partition("Do it: ")[2])
            assert here(*shlex.split(commands[-1])[1:])[0] == 0
        assert code == 0
        assert commands == [
            "byok-bench endpoints edit o --set rename=max_tokens:max_completion_tokens",
            "byok-bench endpoints edit o --set drop=temperature",
        ]
        assert here("run", "--endpoint", "o", "--scenario", "plain-answer", "--repeats", "1")[0] == 0
        assert {row.outcome for row in Run.open().rows if not row.is_warmup} == {"ok"}
        code, out, _ = here("check", "--base-url", base_url, "--model", "simulation/reasons")
        assert "Add --set rename=max_tokens:max_completion_tokens" in out
