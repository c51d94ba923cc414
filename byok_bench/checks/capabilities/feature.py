"""Feature: one thing that an endpoint can do or not, as two pure functions around the sending.

`ask` yields requests, worded as chat completions, and is sent the answers; `judge` says from the recorded answers what
they show. A refusal is the server's word on the feature; any other failure says nothing of it, and a status of 500 or
more is no refusal.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Final, Literal

import msgspec

from byok_bench.checks.probes.probe import ProbeRequest, is_request_refused
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model import SCHEMAS
from byok_bench.endpoints.model_record import Capability

State = Literal["yes", "no", "partly", "unknown"]
Asks = Generator[ProbeRequest, Exchange, None]
ABOUT_MODEL: Final = ("not_found_model",)
"""Kinds of failure that read as a refusal by their status and speak of the model, not of the feature."""
USUAL_EFFORTS: Final = ("low", "medium", "high")
"""Levels of a model that is not known to have others."""
LONGEST_WORDS: Final = 160
"""Characters of a server's words in a piece of evidence."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What features may know before they ask."""

    model: str
    schema: str
    declared_window: int | None = None
    """Tokens, as the user declared them."""
    listed_window: int | None = None
    """Tokens, as the server lists them."""
    models: Exchange | None = None
    """The list of models."""
    window_budget: int = 0
    """Prompt tokens that measuring the context window may take; 0: it is not measured."""
    efforts: tuple[str, ...] = USUAL_EFFORTS
    """Levels of reasoning effort that the model has, from the least thought to the most."""
    nonce: str = ""
    """Text that no earlier request held, for what a cache must not know."""

    @property
    def known_window(self) -> int | None:
        """Tokens, declared or listed."""
        return self.declared_window or self.listed_window


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    name: str
    """`group.what`."""
    about: str
    """The question, in words."""
    ask: Callable[[Subject], Asks]
    judge: Callable[[Subject, Sequence[Exchange]], Capability]
    requests: int
    """Sent at most."""
    tokens: int
    """Prompt and answer of all requests at most, by rule of thumb."""
    schemas: tuple[str, ...] = SCHEMAS
    """Dialects that have the notion."""


def make_capability(
    state: State, evidence: str, exchange: Exchange | None = None, value: str | None = None
) -> Capability:
    """What one exchange shows."""
    return Capability(state=state, evidence=evidence, value=value, exchange_id=exchange.id if exchange else None)


def judge_failure(exchange: Exchange) -> Capability | None:
    """What a failed request shows: `no` if it was refused, `unknown` if it failed otherwise; None for an answer."""
    error = exchange.error
    if error is None:
        return None
    words = error.message if len(error.message) <= LONGEST_WORDS else f"{error.message[:LONGEST_WORDS]}…"
    if is_request_refused(exchange) and error.kind not in ABOUT_MODEL:
        return make_capability("no", f"refused with {error.status}: {words}", exchange, "refused")
    status = f" with {error.status}" if error.status is not None else ""
    return make_capability("unknown", f"failed{status} ({error.kind}): {words}", exchange, "error")


def judge_first_failure(exchanges: Sequence[Exchange]) -> Capability | None:
    """Of several answers, what the first that failed shows."""
    return next((shown for one in exchanges if (shown := judge_failure(one))), None)


def is_cut(exchange: Exchange) -> bool:
    """Whether max_tokens ended the answer."""
    return exchange.output.finish_reason == "length"


def list_prompt_counts(exchanges: Sequence[Exchange]) -> list[int | None]:
    """What the server counted as prompt of each. In Messages what a cache gave may be in the count or beside it."""
    return [one.output.usage.prompt_tokens if one.output.usage else None for one in exchanges]
