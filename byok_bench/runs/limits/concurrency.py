"""How many requests may be under way at a time: waves of growing width, each sent at once.

Whether a wave was cut short by a limit at a time or by one over time is seen by sending it again: places are free
again once answers are over, a window's budget is not.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

from byok_bench.runs.limits.shots import Sender, Shot

SAME: Final = 0.7
"""A wave that is let in to this share of what it was before met the same limit again."""
WORTH: Final = 0.9
"""A width is enough that gives this share of the highest throughput."""


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that were sent at once."""

    width: int
    shots: tuple[Shot, ...]

    @property
    def is_complete(self) -> bool:
        """Whether all of it was sent."""
        return len(self.shots) == self.width

    @property
    def admitted(self) -> int:
        """Requests that were let in."""
        return sum(shot.is_admitted for shot in self.shots)

    @property
    def limited(self) -> int:
        """Requests that were refused with "later"."""
        return sum(shot.is_limited for shot in self.shots)

    @property
    def failures(self) -> int:
        """Requests that failed otherwise."""
        return sum(not shot.is_good and not shot.is_limited for shot in self.shots)

    @property
    def overlap(self) -> int:
        """The most answers that were under way at one time."""
        steps = [(shot.sent_ns, 1) for shot in self.shots if shot.is_admitted]
        steps += [(shot.ended_ns, -1) for shot in self.shots if shot.is_admitted]
        under_way = highest = 0
        for _, step in sorted(steps):
            under_way += step
            highest = max(highest, under_way)
        return highest

    @property
    def answers_per_s(self) -> float | None:
        """Good answers over the time from the first request to the end of the last answer; None without any."""
        good = [shot for shot in self.shots if shot.is_good]
        if not good:
            return None
        took_ns = max(shot.ended_ns for shot in good) - min(shot.sent_ns for shot in self.shots)
        return len(good) * 1e9 / took_ns if took_ns > 0 else None

    @property
    def ttft_ms(self) -> float | None:
        """Median time to the first token."""
        return _find_median([shot.exchange.timing.ttft for shot in self.shots if shot.is_good])

    @property
    def e2e_ms(self) -> float | None:
        """Median time to the end of the answer."""
        return _find_median([shot.exchange.timing.e2e for shot in self.shots if shot.is_good])


class Concurrency(msgspec.Struct, frozen=True, kw_only=True):
    """What the waves show."""

    waves: tuple[Wave, ...]
    low: int
    """As many were under way at a time and let in; 0 if none was."""
    high: int | None
    """As many were not; None if no wave met that limit."""
    why: str
    """Why it is not known more closely; empty if it is."""

    @property
    def is_found(self) -> bool:
        """Whether one more than `low` is refused."""
        return self.high == self.low + 1

    @property
    def safe_width(self) -> int:
        """A width at which requests over time meet no limit at a time: one below it, for answers that end late."""
        return max(1, self.low - 1 if self.high is not None else self.low)


def _find_median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


class ConcurrencySearch:
    """The waves so far, and between which two widths the limit lies."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._waves: list[Wave] = []
        self._low = 0
        self._high: int | None = None
        self._guess = 0
        self._why = "the waves were not over"

    async def run(self) -> None:
        """Double the width until a wave is refused, then close in on the limit."""
        why = ""
        while not why and (width := self._choose_width()):
            wave = await self._send(width)
            if self._is_passed(wave):
                self._low = max(self._low, width if wave.overlap >= width else wave.overlap)
                why = "" if wave.overlap >= width else "answers were over before as many were under way"
            elif not wave.is_complete or self._sender.stopped or wave.failures:
                why = self._sender.stopped or "requests failed for another reason than a limit"
            else:
                why = await self._look_again(wave)
        if not why and self._high is None:
            why = f"no more than {self._sender.settings.widest} at a time were tried"
        self._why = why

    def describe(self) -> Concurrency:
        """What the waves show so far."""
        return Concurrency(waves=tuple(self._waves), low=self._low, high=self._high, why=self._why)

    def _choose_width(self) -> int:
        """The next width; 0 if there is none."""
        widest = self._sender.settings.widest
        if self._high is None:
            return min(self._low * 2 or 1, widest) if self._low < widest else 0
        if self._high - self._low < 2:
            return 0
        for guess in (self._guess, self._guess + 1):
            if self._low < guess < self._high:
                return guess
        return (self._low + self._high) // 2

    async def _look_again(self, wave: Wave) -> str:
        """Which limit a refused wave met; why the search ends if it was one over time."""
        again = await self._send(wave.width)
        if not again.is_complete:
            return self._sender.stopped
        if again.admitted < max(self._low, SAME * wave.admitted, 1):
            self._sender.settings.on_progress("a limit over time was met: waiting for it to pass")
            await self._sender.pause(self._sender.settings.window_s)
            again = await self._send(wave.width)
            if not self._is_passed(again) and not await self._is_met_again(again):
                return self._sender.stopped or "the limit over time is met before"
        if self._is_passed(again):
            self._low = max(self._low, min(again.width, again.overlap))
        else:
            self._high, self._guess = wave.width, again.admitted
        return ""

    async def _is_met_again(self, wave: Wave) -> bool:
        """Whether the same wave is let in to the same share once more."""
        if wave.admitted < max(self._low, 1):
            return False
        again = await self._send(wave.width)
        return again.is_complete and again.admitted >= SAME * wave.admitted

    def _is_passed(self, wave: Wave) -> bool:
        return wave.is_complete and wave.admitted == wave.width

    async def _send(self, width: int) -> Wave:
        wave = Wave(width=width, shots=tuple(await self._sender.send_wave(width)))
        self._waves.append(wave)
        self._sender.settings.on_progress(f"{width} at a time: {wave.admitted} let in, {wave.limited} refused")
        return wave


def choose_safe_wave(waves: Sequence[Wave], requests_per_s: float | None) -> Wave | None:
    """The narrowest wave without a refusal or failure that gives nearly the highest throughput, or all that is allowed.

    `requests_per_s`: what a limit over time lets through; None if none was met.
    """
    whole = [wave for wave in waves if wave.is_complete and not wave.limited and not wave.failures]
    known = [(wave, wave.answers_per_s) for wave in whole]
    rates = [rate for _, rate in known if rate is not None]
    if not rates:
        return None
    enough = WORTH * max(rates)
    if requests_per_s is not None:
        enough = min(enough, requests_per_s)
    return min((wave for wave, rate in known if rate is not None and rate >= enough), key=lambda wave: wave.width)
