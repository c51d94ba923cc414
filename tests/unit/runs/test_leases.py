"""Slots of an endpoint are leased to workers: one limit over all of them, each job once, mistakes last."""

from hypothesis import given
from hypothesis import strategies as st
from support.made_run import plan

from byok_bench.runs.cluster.leases import MOST_SLOTS, Lease, LeaseBook, iterate_waves
from byok_bench.runs.planning.blocks import order_jobs
from byok_bench.runs.planning.load_patterns import ClosedLoad, OpenLoad
from byok_bench.runs.planning.plan import make_jobs

WORKERS = st.integers(1, 6)


def is_within_limit(book_plan: object, out: list[Lease], limit: int) -> bool:
    """Whether no endpoint has more slots out than its limit."""
    slots: dict[int, int] = {}
    for lease in out:
        slots[lease.block.target] = slots.get(lease.block.target, 0) + lease.slots
    return all(count <= limit for count in slots.values())


@given(workers=WORKERS, limit=st.sampled_from([1, 3, 16, 200]), data=st.data())
def test_each_job_is_leased_once_within_the_limit_of_its_endpoint(
    workers: int, limit: int, data: st.DataObject
) -> None:
    """Whatever order leases come back in, also with jobs that nobody began."""
    made = plan(("a", "b"), (ClosedLoad(concurrency=limit),))
    wave = next(iterate_waves(made, order_jobs(made, make_jobs(made))))
    book = LeaseBook(made, wave)
    out: list[Lease] = []
    played: list[str] = []
    number = 0
    while not book.is_empty or out:
        leases = book.cut_leases(number, workers - len(out), workers)
        number += len(leases)
        out += leases
        assert is_within_limit(made, out, limit)
        assert all(1 <= lease.slots <= MOST_SLOTS for lease in out)
        back = out.pop(data.draw(st.integers(0, len(out) - 1)))
        begun = data.draw(st.integers(1, len(back.jobs)))
        played += [job.key for job in back.jobs[:begun]]
        book.take_back(back, back.jobs[begun:])
    assert sorted(played) == sorted(job.key for block in wave for job in block.jobs)


def test_two_workers_share_the_slots_of_an_endpoint() -> None:
    """A limit in each of them would multiply."""
    made = plan(("a",), (ClosedLoad(concurrency=32),))
    book = LeaseBook(made, next(iterate_waves(made, order_jobs(made, make_jobs(made)))))
    assert [lease.slots for lease in book.cut_leases(0, 2, 2)] == [16, 16]
    assert book.cut_leases(2, 2, 2) == []


def test_every_worker_plays_its_part_of_an_open_loop() -> None:
    """The rate is that of all together, and nobody begins alone."""
    made = plan(("a",), (OpenLoad(rate_per_s=5),))
    book = LeaseBook(made, next(iterate_waves(made, order_jobs(made, make_jobs(made)))))
    assert book.cut_leases(0, 1, 2) == []
    leases = book.cut_leases(0, 2, 2)
    assert [lease.share for lease in leases] == [(0, 2), (1, 2)]
    assert book.is_empty
    assert len({job.key for lease in leases for job in lease.jobs}) == len(leases[0].block.jobs)


def test_mistakes_come_after_what_is_to_be_answered() -> None:
    """On a cluster as on one machine: what they do to a server must not show in the measurements."""
    made = plan(("a", "b"), (ClosedLoad(), ClosedLoad(concurrency=4)))
    waves = list(iterate_waves(made, order_jobs(made, make_jobs(made))))
    kinds = [{made.get_scenario(job.scenario).wants_failure for block in wave for job in block.jobs} for wave in waves]
    assert all(len(kind) == 1 for kind in kinds)
    order = [kind.pop() for kind in kinds]
    assert order == sorted(order)
    assert all(len({block.stage for block in wave}) == 1 for wave in waves)
