"""The audit of a bill: what servers counted and charged in a run, beside the declared prices and what was sent.

Only what can be seen from here is said: counts that differ for the same prompt, money that differs from price times
tokens, answers that carry more tokens than their text can have, answers without a count, and answers that this side
cancelled.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from byok_bench.report.printable_text import describe_count
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

COST_TOLERANCE: Final = 0.01
"""Share of the priced cost by which what was charged may differ: prices are told in rounded numbers."""
BYTES_A_CHARACTER: Final = 4
"""Most that a character takes in UTF-8; a token covers one byte at least."""
SPARE_TOKENS: Final = 8
"""Tokens of an answer beyond its text that are marks of turns."""
CANCELLED: Final = "cancelled"


class BillFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What does not add up, in one sentence."""

    check: str
    message: str


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """Of one endpoint and model: sums over all answers, warm-up included, since it is billed as well."""

    endpoint: str
    model: str
    answers: int
    counted: int
    """Answers with a count of the server's."""
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    reported_cost: float | None
    """What the server said it charged; None if it said nothing."""
    priced_cost: float | None
    """Declared price times tokens; None without a price."""
    currency: str
    """Of the price."""
    cancelled: int
    """Answers that this side closed in mid-flight."""
    cancelled_counted: int
    """Of these, those whose tokens the server told all the same."""
    findings: tuple[BillFinding, ...]
    cancelled_tokens: int | None = None
    """What headers told to be taken from a budget for the cancelled answer; None if none told."""
    tokenizer: str = ""
    """The public one that counts as the server does, but for its template; empty if none does, or it was not asked."""
    template_tokens: tuple[int, int] | None = None
    """Fewest and most tokens around each of the fixed texts; None if they were not asked, or nothing fits."""


def list_bills(run: Run) -> list[Bill]:
    """The bill of each endpoint and model of a run, in the order of the plan."""
    return [_make_bill(run, index) for index in range(len(run.plan.targets))]


def _make_bill(run: Run, index: int) -> Bill:
    target = run.plan.targets[index]
    rows = [row for row in run.rows if row.target == index and row.status in ("done", "failed") and _is_answer(row)]
    counted = [row for row in rows if row.tokens_from == "usage" and row.prompt_tokens is not None]
    models = run.plan.endpoints[target.endpoint].models
    price = next((one.price for one in models if one.name == target.model), None)
    cancelled = [row for row in rows if row.end == CANCELLED]
    return Bill(
        endpoint=target.label,
        model=target.alias or target.model,
        answers=len(rows),
        counted=len(counted),
        prompt_tokens=sum(row.prompt_tokens or 0 for row in counted),
        cached_tokens=sum(row.cached_tokens or 0 for row in counted),
        completion_tokens=sum(row.tokens or 0 for row in counted),
        reasoning_tokens=sum(row.reasoning_tokens or 0 for row in counted),
        reported_cost=_sum_known(rows, lambda row: row.reported_cost),
        priced_cost=_sum_known(rows, lambda row: row.priced_cost),
        currency=price.currency if price is not None else "",
        cancelled=len(cancelled),
        cancelled_counted=sum(row in counted for row in cancelled),
        findings=tuple(_iterate_findings(rows, counted)),
    )


def _is_answer(row: Row) -> bool:
    """Whether a server may have charged for it."""
    return row.http_status is not None and row.http_status < 300


def _sum_known(rows: Sequence[Row], read: Callable[[Row], float | None]) -> float | None:
    known = [value for row in rows if (value := read(row)) is not None]
    return sum(known) if known else None


def _iterate_findings(rows: Sequence[Row], counted: Sequence[Row]) -> Iterator[BillFinding]:
    missing = sum(row not in counted and row.end != CANCELLED and row.kind is None for row in rows)
    if missing:
        said = f"{describe_count(missing, 'answer')} of {len(rows)} came without a count of tokens"
        yield BillFinding(check="bill.count-missing", message=said)
    yield from compare_costs([(row.reported_cost, row.priced_cost) for row in rows])
    yield from _compare_prompts(counted)
    yield from _compare_lengths(counted)


def compare_costs(both: Sequence[tuple[float | None, float | None]]) -> Iterator[BillFinding]:
    """What was charged for each answer, beside its price."""
    pairs = [(told, priced) for told, priced in both if told is not None and priced is not None]
    charged, expected = sum(told for told, _ in pairs), sum(priced for _, priced in pairs)
    if pairs and abs(charged - expected) > COST_TOLERANCE * max(charged, expected):
        share = f", {100 * (charged / expected - 1):+.1f} %" if expected else ""
        said = (
            f"{describe_count(len(pairs), 'answer')}: charged {charged:.6g}, "
            f"and {expected:.6g} by the declared price{share}"
        )
        yield BillFinding(check="bill.cost-differs", message=said)


def _compare_prompts(counted: Sequence[Row]) -> Iterator[BillFinding]:
    """The same text has the same number of tokens, however often it is sent."""
    counts: dict[tuple[str, str], Counter[int]] = {}
    for row in counted:
        if row.turn == 1 and row.prompt_tokens is not None:
            counts.setdefault((row.scenario, row.sample), Counter())[row.prompt_tokens] += 1
    varying = {prompt: seen for prompt, seen in counts.items() if len(seen) > 1}
    if varying:
        (scenario, sample), seen = max(varying.items(), key=lambda one: max(one[1]) - min(one[1]))
        said = (
            f"{describe_count(len(varying), 'prompt')} of {len(counts)} had more than one count: {scenario}/{sample} "
            f"{min(seen)} to {max(seen)} tokens for the same text"
        )
        yield BillFinding(check="bill.prompt-varies", message=said)


def _compare_lengths(counted: Sequence[Row]) -> Iterator[BillFinding]:
    """A token of text is a byte at least; reasoning that is not shown, and calls, are left aside."""
    odd = [
        row
        for row in counted
        if not row.tool_calls
        and (row.tokens or 0) - (row.reasoning_tokens or 0)
        > BYTES_A_CHARACTER * (row.text_chars + row.reasoning_chars) + SPARE_TOKENS
    ]
    if odd:
        worst = max(odd, key=lambda row: (row.tokens or 0) - row.text_chars)
        said = (
            f"{describe_count(len(odd), 'answer')} of {len(counted)} counted more tokens than their text can have: "
            f"{worst.tokens} tokens for {worst.text_chars + worst.reasoning_chars} characters"
        )
        yield BillFinding(check="bill.tokens-unseen", message=said)
