"""What counts of the fixed texts show, and the audit of recorded answers to them."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from support.probe_cases import answer_of

from byok_bench.backends.simulator.server import Simulator
from byok_bench.cli.bill import describe_bill
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Price
from byok_bench.report.bill import Bill
from byok_bench.report.endpoint_bill import make_endpoint_bill, review_bill
from byok_bench.report.prompt_counts import load_tokenizers, match_counts

COUNTS = {one.name: one.counts for one in load_tokenizers()}
ENDPOINT = Endpoint(label="gateway", base_url="http://127.0.0.1:9/v1", models=[Model("m")])


@pytest.mark.parametrize("name", COUNTS)
def test_a_public_tokenizer_is_known_by_its_counts(name: str) -> None:
    """Whatever the template adds to each text."""
    found = match_counts([count + 9 for count in COUNTS[name]])
    assert (found.tokenizer, found.template_tokens, found.odd_text) == (name, (9, 9), None)


def test_a_tokenizer_like_the_public_ones_fits_with_a_range_of_templates() -> None:
    """A text or two may be a little longer or shorter than with any that is known."""
    near = [count + 9 + (at % 2) for at, count in enumerate(COUNTS["Llama 3.1"])]
    found = match_counts(near)
    assert (found.tokenizer, found.odd_text) == ("", None)
    assert found.template_tokens is not None
    assert found.template_tokens[0] <= 9 <= found.template_tokens[1]


@pytest.mark.parametrize("place", range(8))
def test_a_text_that_is_counted_threefold_is_named(place: int) -> None:
    """No template makes such counts fit."""
    counts = [count + 9 for count in COUNTS["o200k_base"]]
    counts[place] += 4 * max(one[place] for one in COUNTS.values())
    assert match_counts(counts).odd_text == place


def make_bill(counts: Sequence[int], *, again: int | None = None, left: tuple[int, int] | None = None) -> Bill:
    """Of answers with these prompt tokens and 5 of output; `left`: what headers tell before and after the cancelled."""

    def answer(count: int, told: int | None = None) -> Any:
        said: dict[str, Any] = {"text": "one two", "finish": "stop", "usage": [count, 5]}
        if told is not None:
            said["headers"] = {"content-type": "application/json", "x-ratelimit-remaining-tokens": str(told)}
        return answer_of(said)

    texts = [answer(count) for count in (*counts, counts[0] if again is None else again)]
    cancelled = answer_of({"text": "one", "finish": "stop"})
    cancelled.raw.end = "cancelled"
    around = [answer(counts[0], left[0] if left else None), cancelled, answer(counts[0], left[1] if left else None)]
    return make_endpoint_bill(ENDPOINT, "m", texts, around).bill


GOOD = [count + 9 for count in COUNTS["Qwen 3"]]
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "a hidden prompt": ({"counts": [count + 300 for count in GOOD]}, "bill.hidden-prompt"),
    "counts of no tokenizer": ({"counts": [23, 12, 12, 12, 12, 12, 12, 12]}, "bill.prompt-count"),
    "one text, two counts": ({"counts": GOOD, "again": GOOD[0] + 1}, "bill.prompt-varies"),
    "a cancelled answer counted as whole": ({"counts": GOOD, "left": (10_000, 9_500)}, "bill.cancel-ignored"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_does_not_add_up_is_said(case: str) -> None:
    """One finding, and no other."""
    given, check = ODD[case]
    assert [one.check for one in make_bill(**given).findings] == [check]


@pytest.mark.parametrize("left", [None, (10_000, 9_940), (10_000, 10_000)])
def test_what_adds_up_is_not_blamed(left: tuple[int, int] | None) -> None:
    """A cancelled answer of which only what came was counted, and one of which headers tell nothing."""
    assert make_bill(GOOD, left=left).findings == ()


def test_the_lines_tell_tokenizer_and_template() -> None:
    """And what became of the cancelled answer."""
    _, texts, cancelled = describe_bill(make_bill(GOOD, left=(10_000, 9_940)))
    assert texts == "  the fixed texts count as Qwen 3 does, with 9 tokens around each"
    assert cancelled.endswith("carry a count; 32 tokens were taken from the budget that headers tell")


async def test_an_endpoint_is_asked_twelve_times_and_its_cancelled_answer_is_found_in_the_budget() -> None:
    """Over a real socket: the simulator takes the whole answer when it lets a request in, and asks no money."""
    async with Simulator(ttft_ms=1, gap_ms=3, limits={"tokens": 90_000}) as server:
        priced = replace(server.endpoint, models=[Model("simulator-1", price=Price(input=1.0, output=2.0))])
        found = await review_bill(priced)
    bill = found.bill
    assert (len(found.exchanges), bill.answers, bill.cancelled, bill.cancelled_counted) == (12, 12, 1, 0)
    assert (bill.cancelled_tokens or 0) > 400
    assert bill.priced_cost == pytest.approx((bill.prompt_tokens + 2 * bill.completion_tokens) / 1e6)
    assert [one.check for one in bill.findings] == ["bill.prompt-count", "bill.cancel-ignored"]
