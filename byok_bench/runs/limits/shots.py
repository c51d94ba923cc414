"""Shots: the requests of a search for limits, sent within its bounds, and when each was let in or refused."""

import asyncio
import secrets
from contextlib import suppress
from time import perf_counter_ns
from typing import Final

import msgspec

from byok_bench.checks.ladder.report import HOPELESS
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.body_translation import translate_body
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_requests import find_schema
from byok_bench.endpoints.send import send
from byok_bench.runs.limits.bounds import ANSWER_TOKENS, SearchSettings
from byok_bench.runs.planning.budgets import Budget, LimitReached, Limits
from byok_bench.wire.client import Client

LIMITING: Final = ("rate_limit", "overloaded")
"""Kinds of failure that say "later"."""
_WORD: Final = "river "
"""One token for most tokenizers."""


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """One request."""

    exchange: Exchange

    @property
    def sent_ns(self) -> int:
        """Before the server can have decided."""
        return self.exchange.raw.phases.written or self.exchange.raw.phases.start

    @property
    def decided_ns(self) -> int:
        """After the server has decided."""
        phases = self.exchange.raw.phases
        return phases.head or phases.end or phases.start

    @property
    def ended_ns(self) -> int:
        """When the answer was over."""
        return self.exchange.raw.phases.end or self.decided_ns

    @property
    def is_limited(self) -> bool:
        """Refused with "later"."""
        error = self.exchange.error
        return error is not None and error.kind in LIMITING

    @property
    def is_admitted(self) -> bool:
        """Let in, whatever became of it then."""
        head = self.exchange.raw.head
        return head is not None and head.status < 300 and not self.is_limited

    @property
    def is_good(self) -> bool:
        """Answered."""
        return self.exchange.error is None

    @property
    def tokens(self) -> int:
        """Prompt and answer as the server counted them; 0 where it counted nothing."""
        usage = self.exchange.output.usage
        return (usage.total_tokens if usage else None) or 0

    @property
    def told_wait_s(self) -> float | None:
        """The delay that a refusal asks for."""
        return self.exchange.error.retry_after_s if self.exchange.error is not None else None


class Sender:
    """Sends the requests of one search, and none that could pass its bounds."""

    client: Client
    """Set before the first request."""

    def __init__(self, settings: SearchSettings) -> None:
        self.settings = settings
        self.shots: list[Shot] = []
        """All that was sent, in the order in which it ended."""
        self.stopped = ""
        """Why no more is sent; empty while more may be."""
        limits = Limits(requests=settings.bounds.requests, cost=settings.bounds.cost)
        self._budget = Budget(limits, [settings.endpoint], [settings.model])
        self._began_ns = perf_counter_ns()
        self._schema = find_schema(settings.endpoint, settings.model)
        self._ended = asyncio.Event()

    @property
    def seconds(self) -> float:
        """Since the search began."""
        return (perf_counter_ns() - self._began_ns) / 1e9

    async def send(self, words: int = 0) -> Shot | None:
        """Send one request with so many words more than a small one; None if no more may be sent."""
        self._check_time()
        if self.stopped:
            return None
        text = f"{secrets.token_hex(4)} Count from one to twenty in words. {_WORD * words}"
        stream = {"stream": True, "stream_options": {"include_usage": True}}
        body = translate_body(build_question(text, max_tokens=ANSWER_TOKENS, **stream), self._schema)
        try:
            async with self._budget.reserve(0, body) as spending:
                spending.exchange = await send(
                    self.settings.endpoint,
                    body,
                    model=self.settings.model,
                    profile=self.settings.profile,
                    policy=self.settings.policy,
                    client=self.client,
                )
                shot = Shot(exchange=spending.exchange)
        except LimitReached:
            self.stop(f"the bound of {self._budget.reached} was reached")
            return None
        self.shots.append(shot)
        self._note_hopeless(shot)
        return shot

    async def send_wave(self, width: int, words: int = 0) -> list[Shot]:
        """Send so many at once, and wait for all; fewer than that only where no more may be sent."""
        sent = await asyncio.gather(*(self.send(words) for _ in range(width)))
        return [shot for shot in sent if shot is not None]

    async def pause(self, seconds: float) -> None:
        """Wait, until the time is over or no more may be sent at most."""
        limit = self.settings.bounds.seconds
        wait_s = max(0.0, seconds if limit is None else min(seconds, limit - self.seconds))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), wait_s)
        self._check_time()

    def stop(self, why: str) -> None:
        """Send no more from now on; the first reason stays."""
        self.stopped = self.stopped or why
        self._ended.set()

    def _check_time(self) -> None:
        limit = self.settings.bounds.seconds
        if limit is not None and self.seconds >= limit:
            self.stop(f"the bound of {limit:g} seconds was reached")

    def _note_hopeless(self, shot: Shot) -> None:
        error = shot.exchange.error
        if error is not None and error.kind in HOPELESS:
            self.stop(f"{error.kind}: {error.message}")
