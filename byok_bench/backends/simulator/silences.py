"""Silences on request: what a prompt may ask of a streamed answer, by which the timeouts of a hop in front are found.

Say nothing for 30 s before the first byte.
Say nothing for 30 s before the first token.
Say nothing for 30 s between two tokens, but a comment every 5 s.
"""

import re
from typing import Final, NamedTuple

from byok_bench.backends.simulator.http import Schedule, compute_due_times
from byok_bench.backends.simulator.reply import Event, Reply

_ASKED = re.compile(
    r"\bSay nothing for (\d{1,6}(?:\.\d{1,6})?) s (before the first byte|before the first token|between two tokens)"
    r"(?:, but a comment every (\d{1,6}(?:\.\d{1,6})?) s)?"
)
_COMMENT: Final = b": still here\n\n"
_LONGEST_S: Final = 3600.0
_SHORTEST_PERIOD_S: Final = 0.01


class Silence(NamedTuple):
    """What was asked for."""

    seconds: float
    place: str
    comments_s: float | None
    """Time between two comments; None: not even these."""


def find_silence(prompt: str) -> Silence | None:
    """What a prompt asks for; None if it asks for no silence."""
    asked = _ASKED.search(prompt)
    if asked is None:
        return None
    period = max(float(asked[3]), _SHORTEST_PERIOD_S) if asked[3] else None
    return Silence(min(float(asked[1]), _LONGEST_S), asked[2], period)


def insert_silence(reply: Reply, silence: Silence, schedule: Schedule) -> None:
    """Hold a stream back as asked; what is no stream stays as it is."""
    if reply.events is None:
        return
    silence_ms = silence.seconds * 1000
    if silence.place == "before the first byte":
        reply.head_ms = silence_ms
        return
    paced = [at for at, event in enumerate(reply.events) if event.is_paced]
    begin = 0 if silence.place == "before the first token" or len(paced) < 2 else paced[1]
    dues = compute_due_times(reply.events, schedule)
    for event, due in zip(reply.events[begin:], dues[begin:], strict=True):
        event.due_ms = due + silence_ms
    if silence.comments_s is not None:
        quiet_from = dues[begin - 1] if begin else 0.0
        count = int(silence.seconds / silence.comments_s)
        comments = [
            Event(raw=_COMMENT, due_ms=quiet_from + number * silence.comments_s * 1000)
            for number in range(1, count + 1)
        ]
        reply.events[begin:begin] = comments
