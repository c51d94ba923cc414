"""Who answers: the model that it names, how its tokenizer counts, what it says when cold, and whether it caches."""

import hashlib
from collections.abc import Sequence
from typing import Final

from byok_bench.checks.capabilities.calls import ask_stream
from byok_bench.checks.capabilities.feature import (
    Asks,
    Feature,
    Subject,
    judge_failure,
    judge_first_failure,
    list_prompt_counts,
    make_capability,
)
from byok_bench.checks.capabilities.parameters import COLD
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.probe import ProbeRequest
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability, ModelTraits

FIXED_TEXTS: Final = (
    "The quick brown fox jumps over the lazy dog, twice on Sundays.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "敏捷的棕色狐狸跳过了懒狗，星期天跳两次。",
    "いろはにほへと ちりぬるを わかよたれそ つねならむ",
    "نص عربي قصير لعد الوحدات في هذا النموذج.",
    "यह एक छोटा वाक्य है जिससे गिनती होती है।",
    "def f(x):\n    return {'a': [x ** 2 for x in range(10)], \"b\": 0x1F}\n",
    "😀👩‍👩‍👧‍👦🏳️‍🌈 1234567890 0.1e-9 ----====>>>> \t\t  end",
)
"""Eight scripts and sorts of text; never changed, for records of other days hold how many tokens each is."""
PREFIX_WORDS: Final = 400
QUICKER: Final = 0.5
"""A first token after less than this share of the time, and …"""
QUICKER_MS: Final = 20.0
"""… this much earlier may come from a cache."""


def judge_served(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """The model that the answer names is the one asked for."""
    (answer,) = exchanges
    if failed := judge_failure(answer):
        return failed
    served = answer.output.served_model
    if not served:
        return make_capability("unknown", "the answer names no model", answer)
    if served == subject.model:
        return make_capability("yes", "the answer names the model that was asked for", answer, served)
    return make_capability("no", f"{subject.model} was asked for, the answer names {served}", answer, served)


def ask_fixed_texts(subject: Subject) -> Asks:
    """Each text as a prompt."""
    for text in FIXED_TEXTS:
        yield ProbeRequest(body=build_question(text, max_tokens=16))


def judge_fixed_texts(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """The counts, which tell tokenizers apart."""
    if failed := judge_first_failure(exchanges):
        return failed
    counts = list_prompt_counts(exchanges)
    if None in counts:
        return make_capability("unknown", "the server counts no prompt tokens", exchanges[0])
    said = " ".join(map(str, counts))
    return make_capability("yes", f"the fixed texts are {said} tokens", exchanges[0], said)


def ask_cold(subject: Subject) -> Asks:
    """The fixed prompt twice at temperature 0."""
    for _ in range(2):
        yield ProbeRequest(body=COLD)


def judge_cold(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """The same answer twice."""
    if failed := judge_first_failure(exchanges):
        return failed
    first, second = (one.output.text for one in exchanges)
    if first == second:
        digest = hashlib.sha256(first.encode()).hexdigest()[:8]
        return make_capability("yes", "two answers at temperature 0 are alike", exchanges[1], digest)
    return make_capability("no", "two answers at temperature 0 differ", exchanges[1])


def ask_prefix(subject: Subject) -> Asks:
    """A long prompt that nobody sent before, twice."""
    prefix = " ".join(f"{subject.nonce}{number}" if number % 50 == 0 else "lorem" for number in range(PREFIX_WORDS))
    body = build_question(f"{prefix}\nSay hello.", max_tokens=16)
    for _ in range(2):
        yield ProbeRequest(body={**body, "stream": True, "stream_options": {"include_usage": True}})


def judge_prefix(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """Tokens that the server says it had; without such a count, how much sooner the second answer began."""
    if failed := judge_first_failure(exchanges):
        return failed
    first, second = exchanges
    cached = second.output.usage.cached_tokens if second.output.usage else None
    if cached:
        return make_capability("yes", f"{cached} prompt tokens came from a cache the second time", second)
    before, after = first.timing.ttft, second.timing.ttft
    if before and after and after < before * QUICKER and before - after > QUICKER_MS:
        said = f"no count, but the first token came after {after:.0f} ms in place of {before:.0f} ms"
        return make_capability("partly", said, second, "quicker")
    if cached == 0:
        return make_capability("no", "0 cached tokens are told, and it was not much quicker", second)
    return make_capability("unknown", "no count of cached tokens, and it was not much quicker", second)


def read_traits(exchanges: dict[str, Sequence[Exchange]]) -> ModelTraits:
    """What tells this model from others, from the exchanges behind the features in here, by name."""
    streamed = [one for one in exchanges.get("streaming", ()) if one.error is None]
    cold = [one.output.text for one in exchanges.get("model.greedy", ()) if one.error is None]
    counts = list_prompt_counts(exchanges.get("model.tokenizer", ()))
    tpot = streamed[0].timing.tpot if streamed else None
    return ModelTraits(
        served_model=streamed[0].output.served_model if streamed else None,
        prompt_tokens=tuple(count for count in counts if count is not None) if None not in counts else (),
        greedy_text=cold[0] if len(cold) == 2 and cold[0] == cold[1] else None,
        ttft_ms=streamed[0].timing.ttft if streamed else None,
        tokens_per_s=1000 / tpot if tpot else None,
    )


IDENTITY_FEATURES: Final = (
    Feature(
        name="model.served", about="does the answer name the model that was asked for?",
        ask=ask_stream, judge=judge_served, requests=1, tokens=100,
    ),
    Feature(
        name="model.tokenizer", about="how many tokens are eight fixed texts?",
        ask=ask_fixed_texts, judge=judge_fixed_texts, requests=len(FIXED_TEXTS), tokens=600,
    ),
    Feature(
        name="model.greedy", about="is an answer at temperature 0 the same twice?",
        ask=ask_cold, judge=judge_cold, requests=2, tokens=120,
    ),
    Feature(
        name="cache.prefix", about="is a long prompt taken from a cache the second time?",
        ask=ask_prefix, judge=judge_prefix, requests=2, tokens=2400,
    ),
)  # fmt: skip
