"""Rate limits that the simulator holds, by a clock of the test's own, and silences that a prompt may ask for."""

from typing import Any

import pytest

from byok_bench.backends.backend import BackendError
from byok_bench.backends.simulator.http import Schedule, compute_due_times
from byok_bench.backends.simulator.rate_limits import Limiter, make_rate_limits
from byok_bench.backends.simulator.refusal import Refusal
from byok_bench.backends.simulator.reply import Event, make_json_reply, make_stream_reply
from byok_bench.backends.simulator.silences import find_silence, insert_silence


class Bench:
    """A limiter, and the time that it sees."""

    def __init__(self, **limits: Any) -> None:
        self.now = 100.0
        self._limiter = Limiter(make_rate_limits({"window_s": 10.0, **limits}), lambda: self.now)
        self._number = 0
        self.headers: dict[str, str] = {}

    def ask(self, tokens: int = 10, after_s: float = 0.0) -> bool:
        """Whether one more request is let in, which does not end."""
        self.now += after_s
        self._number += 1
        try:
            self.headers = self._limiter.admit(self._number, tokens)
        except Refusal as refusal:
            self.headers = refusal.headers
            return False
        return True

    def end(self, number: int) -> None:
        """The n-th request is over."""
        self._limiter.release(number)


def test_a_window_comes_back_whole() -> None:
    """Three in ten seconds: the fourth waits for the next window, which has three again."""
    bench = Bench(requests=3)
    assert [bench.ask(after_s=1) for _ in range(4)] == [True, True, True, False]
    assert bench.headers["retry-after"] == "6.000"
    assert [bench.ask(after_s=6), *(bench.ask() for _ in range(3))] == [True, True, True, False]


def test_a_bucket_fills_evenly() -> None:
    """Five in ten seconds: one every two seconds once it is empty."""
    bench = Bench(requests=5, style="bucket")
    assert [bench.ask() for _ in range(6)] == [True] * 5 + [False]
    assert bench.headers["retry-after"] == "2.000"
    assert [bench.ask(after_s=1.9), bench.ask(after_s=0.2), bench.ask()] == [False, True, False]


def test_tokens_are_those_of_prompt_and_answer() -> None:
    """A request that does not fit takes nothing; a smaller one still fits."""
    bench = Bench(tokens=100)
    assert [bench.ask(tokens) for tokens in (60, 60, 40, 1)] == [True, False, True, False]
    assert bench.headers["x-ratelimit-remaining-tokens"] == "0"


def test_a_place_is_free_once_its_answer_is_over() -> None:
    """Two at a time, however many there were."""
    bench = Bench(concurrency=2)
    assert [bench.ask() for _ in range(3)] == [True, True, False]
    bench.end(1)
    assert [bench.ask(), bench.ask()] == [True, False]


@pytest.mark.parametrize(("told", "value"), [("true", "8.000"), ("short", "0.800"), ("long", "80.000"), ("none", None)])
def test_the_delay_is_told_as_it_was_set(told: str, value: str | None) -> None:
    """Truly, a tenth, ten times as long, or not at all."""
    bench = Bench(requests=1, retry_after=told)
    bench.ask()
    assert not bench.ask(after_s=2)
    assert bench.headers.get("retry-after") == value


@pytest.mark.parametrize(("told", "values"), [("true", ("3", "2")), ("wrong", ("6", "6")), ("none", (None, None))])
def test_budgets_are_told_as_it_was_set(told: str, values: tuple[str | None, str | None]) -> None:
    """Truly; twice the limit, of which nothing is used; or not at all."""
    bench = Bench(requests=3, headers=told)
    bench.ask()
    names = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")
    assert tuple(bench.headers.get(name) for name in names) == values


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"request": 3}, "no limit is called 'request'; did you mean 'requests'?"),
        ({"requests": 0}, "limit 'requests' is a number above 0, not 0"),
        ({"style": "leaky"}, "limit 'style' is one of window, bucket, not 'leaky'"),
    ],
)
def test_a_limit_that_is_none_is_refused(given: dict[str, Any], said: str) -> None:
    """By name, with the nearest one."""
    with pytest.raises(BackendError) as refused:
        make_rate_limits(given)
    assert str(refused.value) == said


SCHEDULE = Schedule(ttft_ms=10, gap_ms=2)
SILENCES = {
    "Say nothing for 3 s before the first byte.": (3000.0, [10.0, 10.0, 12.0, 14.0, 14.0]),
    "Say nothing for 3 s before the first token.": (0.0, [3010.0, 3010.0, 3012.0, 3014.0, 3014.0]),
    "Say nothing for 3 s between two tokens.": (0.0, [10.0, 10.0, 3012.0, 3014.0, 3014.0]),
    "Say nothing for 3 s between two tokens, but a comment every 1.5 s.":
        (0.0, [10.0, 10.0, 1510.0, 3010.0, 3012.0, 3014.0, 3014.0]),
}  # fmt: skip
"""What is asked → when the head goes out, and when each event does, ms."""


@pytest.mark.parametrize("prompt", SILENCES)
def test_a_prompt_may_ask_for_a_silence(prompt: str) -> None:
    """Where it is and how long, and comments in between."""
    reply = make_stream_reply([Event(), *(Event(is_paced=True) for _ in range(3)), Event()])
    silence = find_silence(f"Please. {prompt}")
    assert silence is not None
    insert_silence(reply, silence, SCHEDULE)
    assert (reply.head_ms, compute_due_times(reply.events or [], SCHEDULE)) == SILENCES[prompt]


def test_other_prompts_and_other_answers_have_no_silence() -> None:
    """Words about silence are no request for one; a whole answer stays as it is."""
    assert find_silence("Say nothing for a while before the first byte.") is None
    whole = make_json_reply({})
    silence = find_silence("Say nothing for 9 s between two tokens")
    assert silence is not None
    insert_silence(whole, silence, SCHEDULE)
    assert whole.head_ms == 0
