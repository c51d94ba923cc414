"""`byok-bench bill` of an endpoint that is asked now: lines, document and exit codes."""

import json
from collections.abc import Iterator

import pytest
from support.program import Here
from support.served import Served


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A simulator, whose tokens are words and marks: no tokenizer counts so."""
    with Served(gap_ms=2) as base_url:
        yield base_url


def test_counts_that_no_tokenizer_makes_end_with_1(here: Here, url: str) -> None:
    """What it sends is told before, what it found after."""
    code, out, err = here("bill", "--base-url", url, "--model", "simulator-1")
    assert (code, err) == (1, "This sends at most 12 requests, 1360 tokens.\n")
    assert "  bill.prompt-count: the fixed texts count 14 12 4 4 9 28 32 31 tokens" in out


def test_the_document_has_the_form_of_that_of_a_run(here: Here, url: str) -> None:
    """One bill, and the exchanges behind it."""
    _, out, _ = here("bill", "--base-url", url, "--model", "simulator-1", "--json")
    document = json.loads(out)
    (bill,) = document["bills"]
    assert (document["version"], document["run"], bill["answers"]) == (2, None, 12)
    assert len(document["exchanges"]) == 12


def test_nothing_that_answers_is_an_unfinished_command(here: Here) -> None:
    """Exit code 3: there is nothing to audit."""
    code, out, _ = here("bill", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert (code, out.startswith("127.0.0.1:9 · m: 0 answers")) == (3, True)
