"""What stands beside the verdicts: tokens, failures by kind, invalid calls by class, findings by rule, finish reasons.

None of it is judged: it says where a difference comes from.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import linear_regression
from typing import Final

from byok_bench.report.stats import Interval, median
from byok_bench.report.table_parts import Line
from byok_bench.report.vendor.answers import Answer
from byok_bench.report.vendor.metrics import Side

INVALID: Final = ("InvalidJson", "UnknownName", "SchemaMismatch")
NO_REASON: Final = "(none)"
DIGITS: Final = 4


def list_detail_lines(reference: Side, candidate: Side) -> Iterator[Line]:
    """Lines without a verdict; value and floor are of the candidate and of the reference."""
    yield from _list_token_lines(reference, candidate)
    asked = len(candidate.answers), len(reference.answers)
    failed = [Counter(one.kind for one in side.answers if one.kind) for side in (candidate, reference)]
    yield from _list_share_lines("failures", failed, asked)
    calls = [[call.verdict for one in side.answers for call in one.calls] for side in (candidate, reference)]
    invalid = [Counter(str(verdict) for verdict in some if verdict != "valid") for some in calls]
    yield from _list_share_lines("invalid", invalid, (len(calls[0]), len(calls[1])))
    findings = [Counter(check for one in side.answers for check in one.findings) for side in (candidate, reference)]
    yield from _list_share_lines("findings", findings, asked)


def _list_share_lines(group: str, counts: Sequence[Counter[str]], asked: tuple[int, int]) -> Iterator[Line]:
    mine, theirs = counts
    for name in sorted({*mine, *theirs}, key=lambda name: (-mine[name], name)):
        shares = [count[name] / total if total else None for count, total in zip((mine, theirs), asked, strict=True)]
        yield _make_detail(f"{group}.{name}", Interval(shares[0], None, None, asked[0]), shares[1])


def _list_token_lines(reference: Side, candidate: Side) -> Iterator[Line]:
    """How many prompt tokens more the candidate counts, for the same prompts.

    A constant difference is a prompt that is not ours; one that grows with the prompt is another tokenizer.
    """
    theirs, mine = (_find_prompt_tokens(side) for side in (reference, candidate))
    shared = [(theirs[prompt], mine[prompt]) for prompt in theirs if prompt in mine]
    if not shared:
        return
    yield _make_detail("tokens", median([after - before for before, after in shared]), 0.0)
    before, after = [one for one, _ in shared], [two for _, two in shared]
    if len(set(before)) > 1:
        slope, offset = linear_regression(before, after)
        yield _make_detail("tokens.offset", Interval(offset, None, None, len(shared)), 0.0)
        yield _make_detail("tokens.slope", Interval(slope, None, None, len(shared)), 1.0)


def _find_prompt_tokens(side: Side) -> dict[object, int]:
    """Prompt → what was counted for its first request."""
    return {
        one.prompt: one.prompt_tokens
        for one in side.answers
        if one.turn == 1 and one.is_good and one.prompt_tokens is not None
    }


def _make_detail(metric: str, value: Interval, floor: float | None) -> Line:
    return {
        "metric": metric,
        "value": round_estimate(value.value),
        "low": round_estimate(value.low),
        "high": round_estimate(value.high),
        "n": value.n,
        "floor": round_estimate(floor),
        "difference": None if value.value is None or floor is None else round_estimate(value.value - floor),
        "difference_low": None,
        "difference_high": None,
        "margin": None,
        "verdict": None,
        "family": None,
        "needed": None,
        "needed_cost": None,
    }


def round_estimate(value: float | None) -> float | None:
    """As a table has it."""
    return None if value is None else round(value, DIGITS)


def count_finishes(reference: Side, candidate: Side) -> dict[str, dict[str, int]]:
    """The confusion matrix: how the reference ended → how the candidate did → answers. Failures are in a row apart."""
    theirs, mine = (_index_first_turns(side) for side in (reference, candidate))
    counted: dict[str, Counter[str]] = {}
    for place in theirs.keys() & mine.keys():
        counted.setdefault(_name_end(theirs[place]), Counter())[_name_end(mine[place])] += 1
    return {end: dict(sorted(found.items())) for end, found in sorted(counted.items())}


def _index_first_turns(side: Side) -> dict[object, Answer]:
    return {(one.prompt, one.repeat): one for one in side.answers if one.turn == 1}


def _name_end(answer: Answer) -> str:
    return f"failed: {answer.kind}" if answer.kind else answer.finish or NO_REASON
