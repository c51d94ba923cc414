"""Resolver: egress verdicts for a transport, with the times of the DNS lookup behind each.

An allow is kept for at most a minute, answer and verdict together; a block is never kept. Each lookup runs in a
daemon thread of its own, so a name server that hangs delays neither the event loop, nor another host, nor the
end of the process. Nothing is connected to: no address is tried before it was judged.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from byok_bench.wire.egress.verdicts import (
    DnsAnswer,
    Lookup,
    Question,
    Verdict,
    ask_resolver,
    conclude_verdict,
    look_up_host,
    prepare_question,
)

MAX_AGE_S: Final = 60.0


class TimedVerdict(NamedTuple):
    """A verdict and its lookup, monotonic ns; no times where nothing was looked up (literal, localhost, kept)."""

    verdict: Verdict
    dns_start_ns: int | None = None
    dns_end_ns: int | None = None


class Resolver:
    """Judges URLs on one event loop at a time; requests for one host at one time share one lookup."""

    def __init__(
        self,
        lookup: Lookup | None = None,
        *,
        max_age_s: float = MAX_AGE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 <= max_age_s <= MAX_AGE_S:
            raise ValueError(f"a verdict is kept for at most {MAX_AGE_S:g} seconds")
        self._lookup = lookup or look_up_host
        self._max_age_s = max_age_s
        self._clock = clock
        self._kept: dict[Question, tuple[float, Verdict]] = {}
        self._under_way: dict[str, asyncio.Future[tuple[DnsAnswer, int]]] = {}

    async def judge(self, url: str, profile: str, policy: Mapping[str, Any] | None = None) -> TimedVerdict:
        """Judge a base URL. Raises nothing but CancelledError."""
        question = prepare_question(url, profile, policy)
        if isinstance(question, Verdict):
            return TimedVerdict(question)
        if question.known_addresses:
            return TimedVerdict(conclude_verdict(question, question.known_addresses))
        if verdict := self._find_kept_verdict(question):
            return TimedVerdict(verdict)
        asked_at, start_ns = self._clock(), time.perf_counter_ns()
        answer, end_ns = await self._look_up(question.base.host.name)
        verdict = conclude_verdict(question, answer)
        if verdict.action == "allow":
            self._kept[question] = (asked_at + self._max_age_s, verdict)
        return TimedVerdict(verdict, start_ns, end_ns)

    def _find_kept_verdict(self, question: Question) -> Verdict | None:
        now = self._clock()
        self._kept = {one: kept for one, kept in self._kept.items() if now < kept[0]}
        return self._kept[question][1] if question in self._kept else None

    async def _look_up(self, host: str) -> tuple[DnsAnswer, int]:
        """The answer and when it came; the lookup outlives a caller that is cancelled, for those who share it."""
        loop = asyncio.get_running_loop()
        pending = self._under_way.get(host)
        if pending is None or pending.get_loop() is not loop:
            pending = self._under_way[host] = loop.create_future()
            pending.add_done_callback(lambda _: self._under_way.pop(host, None))
            thread = threading.Thread(target=self._run_lookup, args=(host, pending), name="byok-bench-dns", daemon=True)
            thread.start()
        return await asyncio.shield(pending)

    def _run_lookup(self, host: str, pending: asyncio.Future[tuple[DnsAnswer, int]]) -> None:
        answer = ask_resolver(self._lookup, host)
        found = (answer, time.perf_counter_ns())
        # A loop that was closed meanwhile has nobody left to tell.
        with suppress(RuntimeError):
            pending.get_loop().call_soon_threadsafe(pending.set_result, found)
