"""The context window: as declared, as listed, and as it is, found by bisection within a budget of prompt tokens.

Prompts grow until one is refused for its length; then the length is halved in between. A refused prompt is counted
against the budget as if it had been read. A prompt that is accepted and counted as far shorter than it is was cut in
silence.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from byok_bench.checks.capabilities.feature import (
    Asks,
    Feature,
    Subject,
    judge_failure,
    list_prompt_counts,
    make_capability,
)
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.probe import ProbeRequest
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability

WORD: Final = "river "
FIRST_WORDS: Final = 64
GROWTH: Final = 4
CLOSE: Final = 0.02
"""Lower and upper end that are so close are the answer, or …"""
CLOSE_TOKENS: Final = 32
"""… this close."""
CUT_SHARE: Final = 0.7
"""A prompt that is counted as less than this share of its length was cut."""
MOST_PROMPTS: Final = 24


class Attempt(msgspec.Struct, frozen=True):
    """One prompt."""

    words: int
    exchange: Exchange
    tokens: int | None
    """As the server counted them."""

    @property
    def is_overflow(self) -> bool:
        """It was refused for its length."""
        error = self.exchange.error
        return error is not None and error.kind == "context_length"


class Search(msgspec.Struct, frozen=True):
    """What the prompts so far show."""

    attempts: tuple[Attempt, ...]

    @property
    def slope(self) -> float:
        """Tokens a word: between the first two prompts that were counted, else of the first; 1 without a count."""
        counted = [one for one in self.attempts if one.tokens][:2]
        if len(counted) == 2 and (counted[1].tokens or 0) > (counted[0].tokens or 0):
            return ((counted[1].tokens or 0) - (counted[0].tokens or 0)) / (counted[1].words - counted[0].words)
        return (counted[0].tokens or 0) / counted[0].words if counted else 1.0

    @property
    def offset(self) -> float:
        """Tokens that each prompt has beside its words."""
        counted = next((one for one in self.attempts if one.tokens), None)
        return (counted.tokens or 0) - counted.words * self.slope if counted else 0.0

    @property
    def low(self) -> Attempt | None:
        """The longest prompt that was answered."""
        answered = [one for one in self.attempts if one.exchange.error is None]
        return max(answered, key=lambda one: one.words, default=None)

    @property
    def high(self) -> Attempt | None:
        """The shortest that was too long."""
        return min((one for one in self.attempts if one.is_overflow), key=lambda one: one.words, default=None)

    @property
    def expense(self) -> int:
        """Tokens of all prompts, refused ones as if they had been read."""
        return sum(self.measure(one) for one in self.attempts)

    @property
    def cut(self) -> Attempt | None:
        """The first prompt that was answered and counted as far shorter than it is."""
        later = (one for one in self.attempts[2:] if one.exchange.error is None and one.tokens)
        return next((one for one in later if (one.tokens or 0) < CUT_SHARE * self.predict_tokens(one.words)), None)

    def predict_tokens(self, words: int) -> int:
        """Tokens of a prompt of so many words."""
        return int(self.offset + words * self.slope)

    def convert_tokens(self, tokens: float) -> int:
        """Words of a prompt of so many tokens."""
        return int((tokens - self.offset) / self.slope)

    def measure(self, attempt: Attempt) -> int:
        """Tokens of a prompt: as counted, else by its words."""
        return attempt.tokens or self.predict_tokens(attempt.words)


def read_search(exchanges: Sequence[Exchange]) -> Search:
    """The prompts so far."""
    counts = list_prompt_counts(exchanges)
    return Search(tuple(Attempt(_count_words(one), one, count) for one, count in zip(exchanges, counts, strict=True)))


def _count_words(exchange: Exchange) -> int:
    return exchange.raw.request.body.count(WORD.encode())


def choose_words(search: Search, subject: Subject) -> int:
    """Length of the next prompt; 0 if there is nothing more to learn, or no budget for it."""
    low, high = search.low, search.high
    if low is None or search.cut or len(search.attempts) >= MOST_PROMPTS or not _is_clear(search):
        return 0
    left = search.convert_tokens(subject.window_budget - search.expense)
    if high is None:
        wanted = min(_choose_longer(search, subject, low), left)
    elif search.measure(high) - search.measure(low) > max(CLOSE_TOKENS, CLOSE * search.measure(low)):
        wanted = (low.words + high.words) // 2
    else:
        wanted = 0
    return wanted if low.words < wanted <= left else 0


def _is_clear(search: Search) -> bool:
    """Whether each prompt was answered, or refused for its length."""
    return all(one.exchange.error is None or one.is_overflow for one in search.attempts)


def _choose_longer(search: Search, subject: Subject, low: Attempt) -> int:
    """A multiple of the longest so far; near a window that is known, just within it and then just beyond."""
    multiple = low.words * GROWTH
    if subject.known_window is None or len(search.attempts) < 2:
        return multiple
    inside, beyond = (search.convert_tokens(subject.known_window * share) for share in (1 - CLOSE, 1 + CLOSE))
    return next((words for words in (inside, beyond) if words > low.words), multiple)


def ask_window(subject: Subject) -> Asks:
    """Prompts of the lengths that `choose_words` wants."""
    seen: list[Exchange] = []
    words = FIRST_WORDS if subject.window_budget else 0
    while words:
        opening = f"{subject.nonce}{len(seen)} "  # no two begin alike: what a cache gives may be missing in the count
        seen.append((yield ProbeRequest(body=build_question(opening + WORD * words, max_tokens=16))))
        words = choose_words(read_search(seen), subject)


def judge_window(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """Between which two lengths the window ends, and what it took to find that."""
    if not exchanges:
        return make_capability("unknown", "not measured: no tokens were allowed for it")
    search = read_search(exchanges)
    low, high, cut = search.low, search.high, search.cut
    if low is None:
        return judge_failure(exchanges[0]) or make_capability("unknown", "no prompt was answered", exchanges[0])
    took = f"{len(exchanges)} prompts, {search.expense} tokens"
    if cut is not None:
        said = f"prompts are cut in silence: one of about {search.predict_tokens(cut.words)} tokens counts {cut.tokens}"
        return make_capability("partly", f"{said} ({took})", cut.exchange, f"cut at {cut.tokens}")
    if failed := next((one for one in search.attempts if one.exchange.error and not one.is_overflow), None):
        words = judge_failure(failed.exchange)
        said = f"{search.measure(low)} tokens were answered, then a longer prompt {words.evidence if words else ''}"
        return make_capability("partly", f"{said} ({took})", failed.exchange, f"≥ {search.measure(low)}")
    if high is None:
        said = f"{search.measure(low)} tokens were answered; the budget allowed no longer prompt ({took})"
        return make_capability("partly", said, low.exchange, f"≥ {search.measure(low)}")
    said = f"{search.measure(low)} tokens were answered, about {search.measure(high)} refused ({took})"
    return make_capability("yes", said, high.exchange, f"{search.measure(low)}–{search.measure(high)}")


def ask_nothing(subject: Subject) -> Asks:
    """What is known without a request."""
    yield from ()


def judge_declared(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """What the user declared."""
    if subject.declared_window is None:
        return make_capability("unknown", "no window is declared for the model in the book")
    return make_capability("yes", "declared in the book", None, str(subject.declared_window))


def judge_advertised(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """What the list of models says."""
    if subject.models is not None and subject.models.error is not None:
        return make_capability("unknown", f"there is no list of models: {subject.models.error.message}", subject.models)
    if subject.listed_window is None:
        return make_capability("no", "the list of models names no window for the model", subject.models)
    return make_capability("yes", "as the list of models says", subject.models, str(subject.listed_window))


WINDOW_FEATURES: Final = (
    Feature(
        name="context.declared", about="which window is declared in the book?",
        ask=ask_nothing, judge=judge_declared, requests=0, tokens=0,
    ),
    Feature(
        name="context.advertised", about="which window does the server list?",
        ask=ask_nothing, judge=judge_advertised, requests=0, tokens=0,
    ),
    Feature(
        name="context.measured", about="how long may a prompt be?",
        ask=ask_window, judge=judge_window, requests=MOST_PROMPTS, tokens=0,
    ),
)  # fmt: skip
