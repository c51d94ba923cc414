"""Drains: requests without a pause until one is refused, then single ones until one is let in again; and so on.

What a drain lets in and how it recovers tell a window, whose whole budget comes back at once, from a bucket, which
fills evenly: rates.py reads both from the record.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

import msgspec

from byok_bench.runs.limits.shots import Sender, Shot

POLLS_A_WINDOW: Final = 20
LONGEST_WAIT: Final = 3.0
"""Windows that are waited for until a request is let in again."""
FEWEST_REFILLS: Final = 20
"""Requests that a bucket has to let in after it was empty: its rate is known to about a tenth then."""
SINGLES: Final = 2
"""Requests of a later drain that go out one by one: a bucket has not more, and each refused one may count."""
FEWEST_AT_ONCE: Final = 3
"""Requests that come back at once and make a window, where they are …"""
AT_ONCE: Final = 0.5
"""… this share of what the first drain let in, or more."""


class Drain(msgspec.Struct, frozen=True, kw_only=True):
    """Requests without a pause."""

    shots: tuple[Shot, ...]
    """In the order in which they were sent."""

    @property
    def admitted(self) -> list[Shot]:
        """Those that were let in."""
        return [shot for shot in self.shots if shot.is_admitted]

    @property
    def limited(self) -> list[Shot]:
        """Those that were refused with "later"."""
        return [shot for shot in self.shots if shot.is_limited]


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """Single requests after a refusal, until one was let in."""

    refused: Shot
    """The last refusal before them."""
    polls: tuple[Shot, ...]

    @property
    def admitted(self) -> Shot | None:
        """The poll that was let in; None if none was."""
        return next((shot for shot in self.polls if shot.is_admitted), None)

    @property
    def limited(self) -> list[Shot]:
        """The refusals, that before the polls among them."""
        return [self.refused, *(shot for shot in self.polls if shot.is_limited)]

    @property
    def bracket_ns(self) -> tuple[int, int] | None:
        """Not yet at the first of these times, and let in at the second; None if it never was."""
        if self.admitted is None:
            return None
        return self.limited[-1].sent_ns, self.admitted.decided_ns


class DrainRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Drains, and the recovery behind each that was refused."""

    drains: tuple[Drain, ...]
    recoveries: tuple[Recovery, ...]

    @property
    def shots(self) -> list[Shot]:
        """All requests, in the order in which they were sent."""
        polls = [shot for recovery in self.recoveries for shot in recovery.polls]
        return sorted([*(shot for drain in self.drains for shot in drain.shots), *polls], key=lambda one: one.sent_ns)

    @property
    def is_limited(self) -> bool:
        """Whether a limit over time was met."""
        return any(drain.limited for drain in self.drains)

    @property
    def is_window(self) -> bool | None:
        """Whether the whole budget comes back at once; None if nothing was let in again."""
        if not self.recoveries or self.recoveries[0].admitted is None or len(self.drains) < 2:
            return None
        again = len(self.drains[1].admitted) + 1
        return again >= max(FEWEST_AT_ONCE, AT_ONCE * len(self.drains[0].admitted))

    @property
    def refills(self) -> int:
        """Requests that were let in after the first refusal."""
        return sum(len(drain.admitted) for drain in self.drains[1:]) + sum(
            recovery.admitted is not None for recovery in self.recoveries
        )


async def measure_drains(sender: Sender, width: int, words: int, most: int) -> DrainRecord:
    """Drain and wait until it is plain what comes back, and when; the first drain sends `most` requests at most."""
    drains = [await _send_until_limited(sender, width, words, most)]
    recoveries: list[Recovery] = []
    while drains[-1].limited and not sender.stopped:
        recoveries.append(await _wait_for_recovery(sender, drains[-1].limited[-1], words))
        record = DrainRecord(drains=tuple(drains), recoveries=tuple(recoveries))
        enough = len(recoveries) > 1 if record.is_window else record.refills >= FEWEST_REFILLS
        if recoveries[-1].admitted is None or (enough and len(drains) > 1):
            break
        drains.append(await _send_until_limited(sender, width, words, most, singles=SINGLES))
    return DrainRecord(drains=tuple(drains), recoveries=tuple(recoveries))


async def _send_until_limited(sender: Sender, width: int, words: int, most: int, singles: int = 0) -> Drain:
    """Send until one is refused, for the length of a window at most."""
    shots: list[Shot] = []
    began = sender.seconds
    tickets = iter(range(most))

    def can_go_on() -> bool:
        in_time = sender.seconds - began < sender.settings.window_s
        return in_time and not sender.stopped and not any(shot.is_limited for shot in shots)

    async def send_on(own: Iterator[int]) -> None:
        while can_go_on() and next(own, None) is not None:
            if (shot := await sender.send(words)) is not None:
                shots.append(shot)

    await send_on(iter(range(min(singles, most))))
    if can_go_on():
        await asyncio.gather(*(send_on(tickets) for _ in range(width)))
    drain = Drain(shots=tuple(sorted(shots, key=lambda shot: shot.sent_ns)))
    said = "refused then" if drain.limited else "none refused"
    sender.settings.on_progress(f"{len(drain.admitted)} one after the other let in, {said}")
    return drain


async def _wait_for_recovery(sender: Sender, refused: Shot, words: int) -> Recovery:
    """Ask now and then, and just after the time that a refusal told."""
    polls: list[Shot] = []
    window_s = sender.settings.window_s
    began = sender.seconds
    while sender.seconds - began < LONGEST_WAIT * window_s and not sender.stopped:
        last = polls[-1] if polls else refused
        await sender.pause(_choose_pause(last, window_s / POLLS_A_WINDOW))
        shot = await sender.send(words)
        if shot is None:
            break
        polls.append(shot)
        if not shot.is_limited:
            break
    return Recovery(refused=refused, polls=tuple(polls))


def _choose_pause(last: Shot, usual_s: float) -> float:
    """The usual time between two polls; less if the server tells that it opens before."""
    told = last.told_wait_s
    return min(usual_s, told * 1.02 + 0.001) if told else usual_s
