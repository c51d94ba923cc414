"""How a stream arrived, from stamps alone: what is a fault of delivery, and what is only a fast or a slow server."""

import pytest
from msgspec.structs import replace
from support.chat_records import chunk, event, exchange

from byok_bench.checks.probes.arrivals import measure_arrivals


def times(first_ms: float, *steps: tuple[int, float]) -> list[float]:
    """Stamps in ms: the first one, then for each step so many more, that far apart."""
    found = [first_ms]
    for count, gap in steps:
        found += [found[-1] + gap * (number + 1) for number in range(count)]
    return found


STEADY = {
    "20 ms a token": times(50, (255, 20)),
    "20 ms a token, now and then two in a packet": times(50, *[(6, 20), (1, 0)] * 36),
    "a fast server": times(40, (255, 1)),
    "an instant one": times(10, (255, 0.02)),
    "a fast server after a long queue": times(6_000, (255, 2)),
    "a slow model, two deltas a token": times(300, *[(1, 150), (1, 0)] * 80),
    "speculation: three at a time": times(300, *[(1, 120), (2, 0)] * 60),
    "a stall in the middle": times(50, (100, 20), (1, 900), (100, 20)),
    "a busy server: some waits between steady runs": times(50, *[(1, 150), (24, 15)] * 8),
}
HELD = {
    "everything at the end": times(4_000, (255, 0)),
    "everything at the end, a write each": times(4_000, (255, 0.05)),
}
BURSTS = {
    "200 ms corked": times(250, *[(1, 200), (10, 0)] * 20),
    "the same with the writes of a burst apart": times(250, *[(1, 198), (10, 0.2)] * 20),
    "a compressor's buffers": times(900, *[(1, 900), (60, 0)] * 4),
}


@pytest.mark.parametrize(
    ("stamps", "held", "bursts"),
    [
        *[pytest.param(stamps, False, False, id=name) for name, stamps in STEADY.items()],
        *[pytest.param(stamps, True, False, id=name) for name, stamps in HELD.items()],
        *[pytest.param(stamps, False, True, id=name) for name, stamps in BURSTS.items()],
    ],
)
def test_arrivals_are_told_apart(stamps: list[float], held: bool, bursts: bool) -> None:
    """Each way of delivery, by the times of its events."""
    answer = exchange(event(chunk({"content": "w"})) for _ in stamps)
    chunks = [(round(at * 1e6), data) for at, (_, data) in zip(stamps, answer.raw.chunks, strict=True)]
    answer.raw.chunks[:] = chunks
    answer.raw.phases.end = chunks[-1][0]
    arrivals = measure_arrivals(answer)
    assert arrivals is not None
    assert (arrivals.is_held_back, arrivals.is_bursty) == (held, bursts)


def test_the_figures_are_those_of_the_stream() -> None:
    """Reads are the body's, pauses the silences, and the words say both."""
    answer = exchange([event(chunk({"content": "w"})) * 5] * 3)
    answer.raw.chunks[:] = [(200_000_000 * (number + 1), data) for number, (_, data) in enumerate(answer.raw.chunks)]
    answer.raw.phases.end = 600_000_000
    arrivals = measure_arrivals(answer)
    assert arrivals is not None
    assert (arrivals.events, arrivals.reads, arrivals.pauses, arrivals.pause_ms) == (15, 3, 2, 200.0)
    assert str(arrivals) == "15 events came in 3 reads, 2 times after a silence of about 200 ms"
    assert str(replace(arrivals, late=1.0, gap_ms=0.0)).startswith("100% of the 15 events")
