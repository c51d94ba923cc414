"""`byok-bench run` with limits, and without sending anything."""

import json
from pathlib import Path

import pytest
from support.program import Here
from support.served import Served

PLAN = """version = 1
scenarios = ["plain-answer"]
repeats = 6
warmup = 0
[[endpoint]]
label = "gateway"
base_url = "{url}"
models = [{{ name = "simulator-1", price = {{ input = 1.0, output = 2.0 }} }}]
"""
DEAD = "http://127.0.0.1:9/v1"


def test_a_limit_ends_with_3_and_the_line_that_goes_on(here: Here, tmp_path: Path) -> None:
    """What was measured is kept; the same limit holds when it is gone on with."""
    plan = tmp_path / "plan.toml"
    with Served() as url:
        plan.write_text(PLAN.format(url=url) + "[limits]\nrequests = 2\n")
        code, out, err = here("run", plan)
        assert code == 3
        assert "stopped by the limit of 2 requests; 2 of 6 samples are kept. Go on with: byok-bench run --resume" in err
        assert "plain-answer" in out
        code, _, err = here("run", "--resume", "last", "--max-requests", "3")
        assert (code, "stopped by the limit of 3 requests; 5 of 6 samples" in err) == (3, True)
        assert here("run", "--resume", "last")[0] == 0


def test_a_dry_run_sends_nothing(here: Here, tmp_path: Path) -> None:
    """Counts, order, tokens, cost, and what it would be enough for; the endpoint need not be there."""
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.format(url=DEAD))
    code, out, err = here("run", plan, "--dry-run", "--max-requests", "5", "--dask", "tcp://127.0.0.1:9")
    assert (code, err) == (0, "")
    for said in (
        "gateway · simulator-1: 6 samples, at most 6 requests, about",
        "of output, at most 0.000", "USD, time unknown before a first run",
        "gateway · simulator-1: plain-answer (1 sample, 1 at once)",
        "not enough for 3 points of success: 124 prompts more",
        "--max-requests 5 may stop it: up to 6 in all", "nothing was sent",
    ):  # fmt: skip
        assert said in out, out


def test_a_dry_run_is_a_document(here: Here, tmp_path: Path) -> None:
    """For scripts that ask before they spend."""
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.format(url=DEAD))
    _, out, _ = here("run", plan, "--dry-run", "--json")
    [target] = json.loads(out)["forecast"]["targets"]
    assert (target["samples"], target["currency"]) == (6, "USD")


LIMITS = {
    "a typo": ("[limits]\nrequest = 2\n", "[limits] of a plan has no field 'request'; did you mean 'requests'?"),
    "nothing": ("[limits]\ntokens = 0\n", "tokens must be a number above 0"),
    "a text": ('[limits]\ncost = "1 USD"\n', "limits.cost"),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits_of_a_plan_are_held_to_what_they_can_be(here: Here, tmp_path: Path, case: str) -> None:
    """One line with file and line, exit 2."""
    limits, said = LIMITS[case]
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.format(url=DEAD) + limits)
    code, _, err = here("run", plan)
    assert (code, said in err, "plan.toml, line " in err) == (2, True, True), err
