"""The audit of a bill: what does not add up is said, and nothing else."""

from typing import Any

import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.cli.bill import describe_bill
from byok_bench.report.bill import Bill, list_bills
from byok_bench.runs.row import Row


def answer(repeat: int = 1, **more: Any) -> Row:
    """A counted answer of 20 tokens of prompt and 5 of output."""
    fields = {"tokens_from": "usage", "tokens": 5, "prompt_tokens": 20, "text_chars": 25}
    return row(repeat=repeat, **(fields | more))


def bill(*rows: Row) -> Bill:
    """Of a run with one endpoint."""
    [found] = list_bills(MadeRun(list(rows), plan(["gateway"])))
    return found


def test_sums_are_of_all_that_was_answered() -> None:
    """Warm-up is billed as well; a refusal is not."""
    found = bill(answer(0), answer(1, cached_tokens=8), failed("rate_limit", repeat=2, http_status=429))
    assert (found.answers, found.counted) == (2, 2)
    assert (found.prompt_tokens, found.cached_tokens, found.completion_tokens) == (40, 8, 10)
    assert found.findings == ()


ODD: dict[str, tuple[list[Row], str, str]] = {
    "charged more than the price": (
        [answer(reported_cost=0.003, priced_cost=0.002)], "bill.cost-differs",
        "charged 0.003, and 0.002 by the declared price, +50.0 %"),
    "one prompt, two counts": (
        [answer(1), answer(2, prompt_tokens=31)], "bill.prompt-varies",
        "plain-answer/s 20 to 31 tokens for the same text"),
    "tokens that nobody saw": (
        [answer(tokens=300)], "bill.tokens-unseen",
        "1 answer of 1 counted more tokens than their text can have: 300 tokens for 25"),
    "no count": (
        [answer(tokens_from="deltas", prompt_tokens=None)], "bill.count-missing", "1 answer of 1 came without"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_what_does_not_add_up_is_said(case: str) -> None:
    """With its numbers."""
    rows, check, said = ODD[case]
    [finding] = bill(*rows).findings
    assert (finding.check, said in finding.message) == (check, True), finding.message


GOOD = {
    "a charge within the rounding of prices": [answer(reported_cost=0.00201, priced_cost=0.002)],
    "reasoning that is not shown": [answer(tokens=90, reasoning_tokens=80)],
    "text of other scripts": [answer(tokens=60)],
    "a call, whose arguments are no text": [answer(tokens=90, text_chars=0, tool_calls=("get_weather",))],
    "later turns, which are longer": [answer(1), answer(1, turn=2, prompt_tokens=80)],
    "other prompts": [answer(1), answer(1, sample="t", prompt_tokens=80)],
}


@pytest.mark.parametrize("case", GOOD)
def test_what_adds_up_is_not_blamed(case: str) -> None:
    """Each as a server may count it."""
    assert bill(*GOOD[case]).findings == ()


def test_cancelled_answers_are_told_apart() -> None:
    """Whether cancelling stops the count is seen where the count came."""
    found = bill(answer(1, end="cancelled"), answer(2, end="cancelled", tokens_from="deltas", prompt_tokens=None))
    assert (found.cancelled, found.cancelled_counted, found.findings) == (2, 1, ())
    assert "cancelled in mid-flight: 2, of which 1 carry a count" in describe_bill(found)[1]
