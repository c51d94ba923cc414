"""One purse for all workers of a cluster: the client has it, and no request of a worker goes out before it said yes.

A claim goes with the other messages of a lease; its answer is brought to the worker that asked. What a worker that was
lost had claimed counts as spent: nobody can tell that it was not. Claims that do not fit yet wait in the order in which
they came, since what is under way may take less than it could.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import msgspec

from byok_bench.runs.planning.budgets import Limits, Purse, Spent

Answers = list[tuple[int, str]]
"""(number of a claim, the limit that it could pass; empty if it is granted)."""


class ClaimAsked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A worker wants to send a request that may take so much."""

    number: int
    wanted: Spent


class ClaimSettled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What came of it, or that it is not wanted any more."""

    number: int
    taken: Spent


class RemotePurse:
    """The purse as a worker has it, for one lease."""

    def __init__(self, tell: Callable[[ClaimAsked | ClaimSettled], None]) -> None:
        """`tell` hands a message to the client, in order with the others of the lease."""
        self._tell = tell
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[str]] = {}
        self._granted: dict[Spent, list[int]] = {}
        """Claims that are under way, by how much they are."""

    async def claim(self, wanted: Spent, limits: Limits) -> tuple[str, int]:
        """See `Purse`; it is waited for at the client, so that none is under way by then if it could pass a limit."""
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self._tell(ClaimAsked(number=number, wanted=wanted))
        try:
            passed = await answer
        except asyncio.CancelledError:
            self._tell(ClaimSettled(number=number, taken=Spent()))
            raise
        finally:
            del self._asked[number]
        if not passed:
            self._granted.setdefault(wanted, []).append(number)
        return passed, 0

    async def put_back(self, claimed: Spent, taken: Spent) -> None:
        """See `Purse`."""
        self._tell(ClaimSettled(number=self._granted[claimed].pop(), taken=taken))

    async def wait(self) -> None:
        """See `Purse`: the client does it."""

    def answer(self, answers: Answers) -> None:
        """What the client says of claims; in the loop that made them."""
        for number, passed in answers:
            asked = self._asked.get(number)
            if asked is not None and not asked.done():
                asked.set_result(passed)


class LentPurse:
    """The purse as the client has it: spends for the leases that are out."""

    def __init__(self, purse: Purse, limits: Limits, send: Callable[[int, Answers], Awaitable[None]]) -> None:
        """`send` brings answers to the worker of a lease."""
        self._purse = purse
        self._limits = limits
        self._send = send
        self._turn = asyncio.Lock()
        """Held by the claim that is decided next."""
        self._asking: dict[tuple[int, int], asyncio.Future[None]] = {}
        """(lease, number) → what waits until the claim can be decided."""
        self._claimed: dict[tuple[int, int], Spent] = {}
        self._answers: dict[int, Answers] = {}
        """Lease → what is to be brought to it."""
        self._sending: dict[int, asyncio.Future[None]] = {}

    def ask(self, lease: int, message: ClaimAsked) -> None:
        """A worker asks; it is answered once that can be decided."""
        place = lease, message.number
        self._asking[place] = asyncio.ensure_future(self._decide(place, message.wanted))

    async def put_back(self, lease: int, message: ClaimSettled) -> None:
        """A worker says what a claim came to."""
        await self._end((lease, message.number), message.taken)

    async def give_up(self, lease: int) -> None:
        """The worker of a lease is gone: what it claimed counts as spent."""
        for place in [one for one in (*self._asking, *self._claimed) if one[0] == lease]:
            await self._end(place, self._claimed.get(place, Spent()))

    async def close(self) -> None:
        """Answer nobody any more."""
        waiting = [*self._asking.values(), *self._sending.values()]
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _decide(self, place: tuple[int, int], wanted: Spent) -> None:
        async with self._turn:
            while True:
                passed, under_way = await self._purse.claim(wanted, self._limits)
                if not passed or not under_way:
                    break
                await self._purse.wait()
        if not passed:
            self._claimed[place] = wanted
        del self._asking[place]
        lease, number = place
        self._answers.setdefault(lease, []).append((number, passed))
        if lease not in self._sending:
            self._sending[lease] = asyncio.ensure_future(self._send_answers(lease))

    async def _send_answers(self, lease: int) -> None:
        """All answers to one worker, those together that came while others were on their way."""
        try:
            while answers := self._answers.pop(lease, None):
                await self._send(lease, answers)
        finally:
            del self._sending[lease]

    async def _end(self, place: tuple[int, int], taken: Spent) -> None:
        if (asking := self._asking.pop(place, None)) is not None:
            asking.cancel()
        if (claimed := self._claimed.pop(place, None)) is not None:
            await self._purse.put_back(claimed, taken)
