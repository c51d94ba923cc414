"""What a demand finds owing, and that a label which is none is never dropped in silence."""

from typing import Any

import pytest
from support.books import an_endpoint
from support.made_run import MadeRun, failed, plan, row

from byok_bench.checks.finding import Finding
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.errors import EndpointError, PlanError
from byok_bench.report.demand import find_unmet

BROKEN = (Finding(check="tool.index-missing", severity="error", message="no index", event=1, offset=2),)
DEAD: dict[str, Any] = {"phase": "connect", "http_status": None, "message": "refused"}
MISTAKE: dict[str, Any] = {"scenario": "unknown-model", "wants_failure": True}


def owed(demand: str, *rows: Any, labels: tuple[str, ...] = ("one",)) -> str:
    """All that is owed, as one text."""
    return "\n".join(find_unmet(MadeRun(rows, plan()), labels, demand))


def test_an_endpoint_that_answered_everything_owes_nothing() -> None:
    """Findings do not count for `answers`, and what was left out by declaration was never asked."""
    left = row("structured-output", status="left_out", outcome="excluded", http_status=None)
    refused = failed("not_found_model", **(MISTAKE | {"http_status": 404}))
    caused = failed("rate_limit", **(MISTAKE | {"http_status": 429, "caused_by_us": True, "findings": BROKEN}))
    assert owed("answers", row(findings=BROKEN), left, refused, caused) == ""
    assert owed("no errors", row(), left, refused, caused) == ""


@pytest.mark.parametrize("demand", ["answers", "no errors"])
def test_one_prompt_without_an_answer_is_owed(demand: str) -> None:
    """The kind, how often, and the words are told."""
    told = owed(demand, row(), failed("network", **DEAD), failed("server"))
    assert told == "one · m: 2 of 3 exchanges have no answer; network (connect) ×1: refused"


def test_a_mistake_that_got_no_answer_at_all_is_owed() -> None:
    """A refusal is an answer; silence is none."""
    assert "have no answer" in owed("answers", row(), failed("timeout", **(MISTAKE | DEAD)))


def test_a_broken_rule_of_severity_error_is_owed_on_demand() -> None:
    """By its id and count, in refusals, too."""
    told = owed("no errors", row(findings=BROKEN), failed("server", **MISTAKE, findings=BROKEN))
    assert told == "one · m: rules of severity error were broken: tool.index-missing ×2"


def test_what_was_not_played_is_owed() -> None:
    """A run that was stopped proves nothing."""
    assert "1 exchanges were not played" in owed("answers", row(), row(status="planned", outcome=None))
    assert "was asked nothing" in owed("answers", row(status="left_out"))
    assert "three is not in this run; it has one, two" in owed("answers", row(), labels=("three",))


def test_only_the_endpoints_that_are_named_owe_something() -> None:
    """Embedded ones are what the notebook asserts itself."""
    assert owed("answers", row(), failed("server", target=1)) == ""
    assert owed("answers", failed("server"), labels=()) == ""
    assert "two · m: 1 of 1" in owed("answers", row(), failed("server", target=1), labels=("two",))


def test_nothing_can_be_demanded() -> None:
    """For a look at an endpoint that is known to be broken."""
    assert owed("nothing", failed("server"), row(findings=BROKEN)) == ""


def test_a_demand_that_is_none_is_told() -> None:
    """With those that there are."""
    with pytest.raises(PlanError, match="there are answers, no errors, nothing"):
        owed("no error", row())


def test_endpoints_are_chosen_by_label_each_once() -> None:
    """In the order in which they are named."""
    book = EndpointBook.open()
    book.add(an_endpoint("a"))
    book.add(an_endpoint("b"))
    assert [one.label for one in book.choose(["b", "a", "b"])] == ["b", "a"]
    assert book.choose([]) == []


def test_a_label_that_is_none_names_those_that_are() -> None:
    """A typo does not make a test that tests nothing."""
    book = EndpointBook.open()
    book.add(an_endpoint("Our gateway"))
    with pytest.raises(EndpointError, match="'Our gatewy'; in the book: Our gateway"):
        book.choose(["Our gatewy"])


def test_an_endpoint_that_cannot_be_called_is_not_dropped_either() -> None:
    """What is missing is said."""
    book = EndpointBook.open()
    book.add(Endpoint(label="half"))
    with pytest.raises(EndpointError, match=r"'half' is not ready\. It needs a base URL"):
        book.choose(["half"])
    book.policy_path.write_text("byok_enabled = false\n")
    with pytest.raises(EndpointError, match="turned off"):
        EndpointBook.open().choose(["half"])
