"""Resolver: verdicts for a transport, with times, kept for a minute at most."""

import asyncio
import threading

import pytest

from byok_bench.wire.egress.resolver import Resolver, TimedVerdict

URL = "https://api.openai.com/v1"


class Names:
    """A lookup that counts, and answers what it is told to."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.threads: list[threading.Thread] = []

    def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        self.threads.append(threading.current_thread())
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_lookup_is_timed_and_off_the_loop() -> None:
    """A name's verdict comes with the start and the end of its lookup, which ran in another thread."""
    names = Names(["8.8.8.8"])
    verdict, start, end = await Resolver(names).judge(URL, "local")
    assert verdict.addresses == ["8.8.8.8"]
    assert start is not None
    assert end is not None
    assert start <= end
    assert names.threads[0] is not threading.current_thread()


async def test_a_lookup_does_not_hold_up_the_end_of_the_process() -> None:
    """The thread of a lookup is one that the interpreter does not wait for."""
    names = Names(["8.8.8.8"])
    await Resolver(names).judge(URL, "local")
    assert names.threads[0].daemon


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080", "http://localhost:8080", "https://[2606:4700::1]", "nonsense", "https://1.2"],
)
async def test_what_needs_no_lookup_has_no_times(url: str) -> None:
    """Literals, localhost and refused URLs are judged without DNS."""
    names = Names(["8.8.8.8"])
    judged = await Resolver(names).judge(url, "local")
    assert judged == TimedVerdict(judged.verdict)
    assert names.asked == []


async def test_an_allow_is_kept_for_a_minute() -> None:
    """A second question within 60 s gets the kept verdict, a later one a new lookup."""
    names, clock = Names(["8.8.8.8"], ["1.1.1.1"]), Clock()
    resolver = Resolver(names, clock=clock)
    first = await resolver.judge(URL, "local")
    clock.now += 59.9
    kept = await resolver.judge(URL, "local")
    assert kept == TimedVerdict(first.verdict)
    clock.now += 0.2
    renewed = await resolver.judge(URL, "local")
    assert renewed.verdict.addresses == ["1.1.1.1"]
    assert len(names.asked) == 2


async def test_rebinding_is_judged_again() -> None:
    """When a name moves to a bad address, the next lookup blocks it."""
    names, clock = Names(["8.8.8.8"], ["169.254.169.254"]), Clock()
    resolver = Resolver(names, clock=clock)
    assert (await resolver.judge(URL, "shared")).verdict.action == "allow"
    clock.now += 61
    assert (await resolver.judge(URL, "shared")).verdict.reason == "metadata_address"


async def test_a_block_is_not_kept() -> None:
    """A failed lookup or a bad answer is asked for anew."""
    names = Names([], ["10.0.0.1"], ["8.8.8.8"])
    resolver = Resolver(names)
    reasons = [(await resolver.judge(URL, "shared")).verdict.reason for _ in range(3)]
    assert reasons == ["dns_failed", "private_address", "ok"]


async def test_a_verdict_is_kept_for_its_own_question() -> None:
    """Another profile, policy or URL does not get the verdict of the first."""
    names = Names(["10.0.0.1"])
    resolver = Resolver(names)
    assert (await resolver.judge(URL, "local")).verdict.action == "allow"
    assert (await resolver.judge(URL, "shared")).verdict.reason == "private_address"
    assert (await resolver.judge(URL, "local", {"deny_cidrs": ["10.0.0.0/8"]})).verdict.reason == "address_denied"
    assert (await resolver.judge("http://api.openai.com", "local")).verdict.base_url == "http://api.openai.com"
    assert len(names.asked) == 4


@pytest.mark.parametrize(
    "fault",
    [OSError("down"), UnicodeError("label too long"), ValueError(), SystemExit(), KeyboardInterrupt()],
)
async def test_a_lookup_that_fails_is_a_verdict(fault: BaseException) -> None:
    """Whatever a lookup raises is dns_failed: in its thread, it would otherwise never end."""

    def broken(host: str) -> list[str]:
        raise fault

    assert (await Resolver(broken).judge(URL, "local")).verdict.reason == "dns_failed"


def held() -> tuple[Resolver, threading.Event, Names]:
    """A resolver whose lookups wait for the event."""
    go, names = threading.Event(), Names(["8.8.8.8"])

    def waiting(host: str) -> list[str]:
        go.wait()
        return names(host)

    return Resolver(waiting), go, names


async def test_questions_at_one_time_share_a_lookup() -> None:
    """Many connections opened at once ask DNS once."""
    resolver, go, names = held()
    tasks = [asyncio.create_task(resolver.judge(URL, "local")) for _ in range(20)]
    await asyncio.sleep(0)
    go.set()
    assert {(await task).verdict.reason for task in tasks} == {"ok"}
    assert len(names.asked) == 1


async def test_a_cancelled_question_does_not_take_the_others_along() -> None:
    """Who shares a lookup gets its answer although the one who began it gave up."""
    resolver, go, names = held()
    first, second = (asyncio.create_task(resolver.judge(URL, "local")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go.set()
    assert (await second).verdict.action == "allow"
    assert len(names.asked) == 1


async def test_a_hanging_name_holds_up_no_other() -> None:
    """While one lookup waits, any number of other hosts are answered."""
    go = threading.Event()

    def lookup(host: str) -> list[str]:
        if host.startswith("slow"):
            go.wait()
        return ["8.8.8.8"]

    resolver = Resolver(lookup)
    slow = [asyncio.create_task(resolver.judge(f"https://slow{n}.example.com", "local")) for n in range(40)]
    await asyncio.sleep(0)
    assert (await resolver.judge("https://quick.example.com", "local")).verdict.action == "allow"
    assert not any(task.done() for task in slow)
    go.set()
    await asyncio.gather(*slow)


def test_a_lookup_may_outlive_its_loop() -> None:
    """An answer that comes when the loop is closed disturbs nobody, and the next loop asks anew."""
    go, names = threading.Event(), Names(["8.8.8.8"])
    threads: list[threading.Thread] = []

    def waiting(host: str) -> list[str]:
        threads.append(threading.current_thread())
        go.wait()
        return names(host)

    resolver = Resolver(waiting)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.judge(URL, "local"), 0.01)

    asyncio.run(give_up())
    go.set()
    for thread in threads:
        thread.join()
    assert asyncio.run(resolver.judge(URL, "local")).verdict.action == "allow"


@pytest.mark.parametrize("age", [-1.0, 60.1, float("nan")])
def test_nothing_is_kept_for_longer_than_a_minute(age: float) -> None:
    """A resolver that would keep verdicts longer cannot be made."""
    with pytest.raises(ValueError, match="60 seconds"):
        Resolver(max_age_s=age)


async def test_keeping_can_be_switched_off() -> None:
    """With an age of 0 each question is a lookup."""
    names = Names(["8.8.8.8"])
    resolver = Resolver(names, max_age_s=0)
    for _ in range(3):
        await resolver.judge(URL, "local")
    assert len(names.asked) == 3
