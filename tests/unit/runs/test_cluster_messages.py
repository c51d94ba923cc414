"""What a worker of a cluster hands over: in few pieces, in order, and nothing after a piece that was lost."""

import asyncio

import pytest

from byok_bench.runs.cluster.messages import Claimed, Recorded, RemoteWriter, unpack_bundle
from byok_bench.runs.measuring.clean_records import store_clean_attempt
from byok_bench.runs.planning.plan import Job
from byok_bench.runs.storage import ledger
from byok_bench.runs.storage.ledger import ExchangeEnd
from byok_bench.runs.storage.owner import name_this_process
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest

END = ExchangeEnd(status="done", why="answered")
JOBS = [Job(key=key, target=0, scenario="s", sample="a", repeat=1, stage=0) for key in ("one", "two")]


async def claim(writer: RemoteWriter, job: Job) -> None:
    """Say that an exchange is about to be sent."""
    await writer.commit_statement(ledger.claim_attempt, "run", job, 1, 1, name_this_process())


async def keep(writer: RemoteWriter, job: Job) -> None:
    """Hand over what came back."""
    asked = RawRequest(id="r", method="POST", url="http://127.0.0.1/v1", headers=(), body=b"{}")
    raw = RawExchange(request=asked, phases=Phases(start=1))
    await writer.commit_statement(store_clean_attempt, "run", job.key, 1, raw, END)


async def test_a_record_goes_with_the_next_announcement() -> None:
    """An answer costs one piece, not two; and it comes before what its slot asks next."""
    pieces: list[bytes] = []
    writer = RemoteWriter(7, {}, pieces.append)
    await claim(writer, JOBS[0])
    await keep(writer, JOBS[0])
    await claim(writer, JOBS[1])
    await keep(writer, JOBS[1])
    writer.close()
    said = [[type(message) for message in unpack_bundle(piece).messages] for piece in pieces]
    assert said == [[Claimed], [Recorded, Claimed], [Recorded]]


async def test_what_slots_say_at_about_the_same_time_is_one_piece() -> None:
    """A piece costs the same, however much is in it."""
    pieces: list[bytes] = []
    writer = RemoteWriter(7, {}, pieces.append)
    await asyncio.gather(*(claim(writer, job) for job in JOBS))
    writer.close()
    assert len(pieces) == 1


def refuse(piece: bytes) -> None:
    """A scheduler that is gone."""
    raise OSError("gone")


async def test_nothing_is_announced_as_safe_after_a_piece_was_lost() -> None:
    """A record that was lost unheard is told when its slot wants to go on."""
    writer = RemoteWriter(7, {}, refuse)
    await keep(writer, JOBS[0])
    with pytest.raises(OSError, match="gone"):
        await claim(writer, JOBS[1])
    with pytest.raises(OSError, match="gone"):
        writer.close()


async def test_a_record_that_was_lost_last_is_told_at_the_end() -> None:
    """A lease does not end well with a record that nobody has."""
    writer = RemoteWriter(7, {}, refuse)
    await keep(writer, JOBS[0])
    with pytest.raises(OSError, match="gone"):
        writer.close()
