"""review_bill(): what an endpoint counts and charges for texts that are known, asked now.

Fixed texts as prompts, the first of them twice, and one long answer that is cancelled between two small ones: what the
headers tell to be left of a budget of tokens shows what it was counted with.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from byok_bench.checks.capabilities.identity import FIXED_TEXTS
from byok_bench.checks.ladder.climb import choose_model_id, find_currency
from byok_bench.checks.ladder.report import describe_spending
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.body_translation import translate_body
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model_requests import find_schema
from byok_bench.endpoints.permission import find_rules
from byok_bench.endpoints.prices import compute_cost
from byok_bench.endpoints.send import send
from byok_bench.report.bill import Bill, BillFinding, compare_costs
from byok_bench.report.prompt_counts import LONGEST_TEMPLATE, CountFit, match_counts
from byok_bench.runs.limits.told_budgets import read_left_tokens
from byok_bench.wire.client import Client
from byok_bench.wire.wire_request import Cancel

ANSWER_TOKENS: Final = 16
LONG_ANSWER_TOKENS: Final = 400
CANCELLED_AFTER: Final = 6
"""Reads of the long answer's body after which it is closed."""
WHOLE: Final = 0.8
"""A cancelled answer that took this share of what it asked for was counted as whole."""


class EndpointBill(msgspec.Struct, frozen=True, kw_only=True):
    """The bill, and the exchanges behind it."""

    bill: Bill
    exchanges: tuple[Exchange, ...]


def describe_review(endpoint: Endpoint, model: str | None = None) -> str:
    """What `review_bill` will send at most, in words."""
    chosen = choose_model_id(endpoint, model)
    requests = len(FIXED_TEXTS) + 4
    tokens = 80 * requests + LONG_ANSWER_TOKENS
    known = endpoint.find_model(chosen)
    price = known.price if known else None
    dearest = None if price is None else max(price.input or 0, price.output or 0) * tokens / 1e6
    return f"at most {describe_spending(requests, tokens, dearest, find_currency(endpoint, chosen))}"


async def review_bill(
    endpoint: Endpoint,
    *,
    model: str | None = None,
    profile: str = "local",
    policy: Mapping[str, Any] | None = None,
    client: Client | None = None,
) -> EndpointBill:
    """Send the fixed texts and a long answer that is cancelled: twelve requests, and what does not add up.

    Raises EndpointError for an endpoint without a model; nothing for what a server does.
    """
    chosen = choose_model_id(endpoint, model) or endpoint.get_model().name
    profile, policy = find_rules(profile, policy)
    schema = find_schema(endpoint, chosen)
    async with AsyncExitStack() as stack:
        if client is None:
            client = await stack.enter_async_context(Client())

        async def ask(text: str, tokens: int = ANSWER_TOKENS, cancel: Cancel | None = None) -> Exchange:
            fields = {"stream": True, "stream_options": {"include_usage": True}} if cancel else {}
            body = translate_body(build_question(text, max_tokens=tokens, **fields), schema)
            return await send(
                endpoint, body, model=chosen, profile=profile, policy=policy, client=client, cancel=cancel
            )

        texts = [await ask(text) for text in (*FIXED_TEXTS, FIXED_TEXTS[0])]
        closing = Cancel(is_reached=lambda raw: len(raw.chunks) >= CANCELLED_AFTER)
        before = await ask(FIXED_TEXTS[0])
        cancelled = await ask(f"Write {LONG_ANSWER_TOKENS} words about rivers.", LONG_ANSWER_TOKENS, closing)
        after = await ask(FIXED_TEXTS[0])
    return make_endpoint_bill(endpoint, chosen, texts, [before, cancelled, after])


def make_endpoint_bill(
    endpoint: Endpoint, model: str, texts: Sequence[Exchange], around: Sequence[Exchange]
) -> EndpointBill:
    """What recorded exchanges show: those of the fixed texts, the first of them again behind them; then one before a
    cancelled answer, that answer, and one after it.
    """
    exchanges = (*texts, *around)
    answers = [one for one in exchanges if _is_answer(one)]
    usages = [one.output.usage for one in answers if one.output.usage is not None]
    counted = [usage for usage in usages if usage.prompt_tokens is not None]
    known = endpoint.find_model(model)
    price = known.price if known else None
    charged = [(usage.cost, compute_cost(price, usage) if price else None) for usage in counted]
    fit = _match_texts(texts)
    bill = Bill(
        endpoint=endpoint.label,
        model=model,
        answers=len(answers),
        counted=len(counted),
        prompt_tokens=sum(usage.prompt_tokens or 0 for usage in counted),
        cached_tokens=sum(usage.cached_tokens or 0 for usage in counted),
        completion_tokens=sum(usage.completion_tokens or 0 for usage in counted),
        reasoning_tokens=sum(usage.reasoning_tokens or 0 for usage in counted),
        reported_cost=_sum_known([told for told, _ in charged]),
        priced_cost=_sum_known([priced for _, priced in charged]),
        currency=price.currency if price is not None else "",
        cancelled=sum(one.raw.end == "cancelled" for one in exchanges),
        cancelled_counted=sum(one.raw.end == "cancelled" and _has_count(one) for one in exchanges),
        cancelled_tokens=_read_taken(around),
        tokenizer=fit.tokenizer if fit else "",
        template_tokens=fit.template_tokens if fit else None,
        findings=tuple(_iterate_findings(texts, around, charged, fit)),
    )
    return EndpointBill(bill=bill, exchanges=exchanges)


def _is_answer(exchange: Exchange) -> bool:
    """Whether the server may have charged for it."""
    head = exchange.raw.head
    return head is not None and head.status < 300


def _has_count(exchange: Exchange) -> bool:
    return exchange.output.usage is not None and exchange.output.usage.prompt_tokens is not None


def _sum_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _read_prompt_tokens(exchange: Exchange) -> int | None:
    usage = exchange.output.usage
    return usage.prompt_tokens if usage is not None and exchange.error is None else None


def _match_texts(texts: Sequence[Exchange]) -> CountFit | None:
    counts = [_read_prompt_tokens(one) for one in texts[: len(FIXED_TEXTS)]]
    known = [count for count in counts if count is not None]
    return match_counts(known) if len(known) == len(FIXED_TEXTS) else None


def _read_taken(around: Sequence[Exchange]) -> int | None:
    """Tokens that the budget in the headers lost to the cancelled answer; None where no header tells, or it filled."""
    before, _, after = around
    first, last = read_left_tokens(before), read_left_tokens(after)
    usage = after.output.usage
    if first is None or last is None or usage is None or usage.total_tokens is None:
        return None
    taken = int(first - last - usage.total_tokens)
    return taken if taken > 0 else None


def _iterate_findings(
    texts: Sequence[Exchange],
    around: Sequence[Exchange],
    charged: Sequence[tuple[float | None, float | None]],
    fit: CountFit | None,
) -> Iterator[BillFinding]:
    good = [one for one in texts if one.error is None]
    missing = sum(not _has_count(one) for one in good)
    if missing:
        said = f"{missing} of {len(good)} answers came without a count of tokens"
        yield BillFinding(check="bill.count-missing", message=said)
    yield from compare_costs(charged)
    first, again = (_read_prompt_tokens(one) for one in (texts[0], texts[-1]))
    if first is not None and again is not None and first != again:
        said = f"the same text was counted as {first} and as {again} tokens"
        yield BillFinding(check="bill.prompt-varies", message=said)
    if fit is not None:
        yield from _judge_fit(fit, [_read_prompt_tokens(one) or 0 for one in texts[: len(FIXED_TEXTS)]])
    taken = _read_taken(around)
    if taken is not None and taken >= WHOLE * LONG_ANSWER_TOKENS:
        said = (
            f"an answer of at most {LONG_ANSWER_TOKENS} tokens that was cancelled after {CANCELLED_AFTER} reads took "
            f"{taken} tokens of the budget: cancelling does not stop the count"
        )
        yield BillFinding(check="bill.cancel-ignored", message=said)


def _judge_fit(fit: CountFit, counts: Sequence[int]) -> Iterator[BillFinding]:
    if fit.odd_text is not None:
        text = FIXED_TEXTS[fit.odd_text][:24]
        said = (
            f"the fixed texts count {' '.join(map(str, counts))} tokens, which no public tokenizer comes near with any "
            f"template: farthest off is {text!r}… with {counts[fit.odd_text]}"
        )
        yield BillFinding(check="bill.prompt-count", message=said)
    elif fit.template_tokens is not None and fit.template_tokens[0] > LONGEST_TEMPLATE:
        said = (
            f"every text counts at least {fit.template_tokens[0]} tokens more than it has: a prompt that is not shown"
        )
        yield BillFinding(check="bill.hidden-prompt", message=said)
