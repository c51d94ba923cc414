"""The order of work: every job once, all targets in each round, the same for the same seed."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from support.nine import AGENT

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.planning.blocks import make_warmup_blocks, order_jobs
from byok_bench.runs.planning.load_patterns import ClosedLoad, Load, OpenLoad
from byok_bench.runs.planning.plan import Plan, PlanSettings, make_jobs, make_plan

LOADS = (ClosedLoad(), ClosedLoad(concurrency=4), OpenLoad(rate_per_s=5.0))


def plan(
    targets: int = 3, scenarios: int = 2, repeats: int = 4, seed: int = 0, loads: tuple[Load, ...] = LOADS
) -> Plan:
    """A plan of some size."""
    endpoints = [
        Endpoint(label=f"e{n}", base_url=f"http://127.0.0.1:{8000 + n}/v1", models=[Model("m")]) for n in range(targets)
    ]
    return make_plan(endpoints, AGENT[:scenarios], PlanSettings(repeats=repeats, loads=loads, seed=seed, warmup=2))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 7), st.integers())
def test_every_job_is_played_once(targets: int, scenarios: int, repeats: int, seed: int) -> None:
    """Nothing is lost and nothing is doubled by putting it in order."""
    made = plan(targets, scenarios, repeats, seed)
    jobs = make_jobs(made)
    played = Counter(job.key for block in order_jobs(made, jobs) for job in block.jobs)
    assert played == Counter(job.key for job in jobs)


def test_one_at_a_time_every_round_visits_all_targets_with_the_same_sample() -> None:
    """Drift hits all alike: what is compared lies next to each other in time."""
    made = plan(loads=(ClosedLoad(),))
    blocks = order_jobs(made, make_jobs(made))
    assert all(len(block.jobs) == 1 for block in blocks)
    for start in range(0, len(blocks), 3):
        round_ = [block.jobs[0] for block in blocks[start : start + 3]]
        assert {job.target for job in round_} == {0, 1, 2}
        assert len({(job.scenario, job.sample, job.repeat) for job in round_}) == 1
    assert [block.jobs[0].repeat for block in blocks] == sorted(block.jobs[0].repeat for block in blocks)


def test_targets_do_not_always_come_in_the_same_order() -> None:
    """Whoever is always first would always find the machine as the last one left it."""
    made = plan(repeats=20, loads=(ClosedLoad(),))
    blocks = order_jobs(made, make_jobs(made))
    firsts = Counter(blocks[start].target for start in range(0, len(blocks), 3))
    assert set(firsts) == {0, 1, 2}


def test_samples_do_not_always_come_in_the_same_order() -> None:
    """What a server caches from the sample before would always help the same one."""
    made = plan(targets=1, scenarios=3, repeats=20, loads=(ClosedLoad(),))
    blocks = order_jobs(made, make_jobs(made))
    assert len({blocks[start].jobs[0].scenario for start in range(0, len(blocks), 3)}) == 3


def test_the_seed_decides_the_order() -> None:
    """The same seed plays the same order, another one another."""
    orders = [order_jobs(made, make_jobs(made)) for made in (plan(seed=1), plan(seed=1), plan(seed=2))]
    assert orders[0] == orders[1]
    assert [b.target for b in orders[0]] != [b.target for b in orders[2]]


def test_a_block_under_load_belongs_to_one_target() -> None:
    """Targets are not measured while others are loaded."""
    made = plan(repeats=40, loads=(ClosedLoad(concurrency=4),))
    blocks = order_jobs(made, make_jobs(made))
    assert all({job.target for job in block.jobs} == {block.target} for block in blocks)
    assert min(len(block.jobs) for block in blocks) >= 8
    assert len(blocks) > 3


def test_an_open_loop_gets_each_target_in_one_piece() -> None:
    """A rate has to stand for a while."""
    made = plan(loads=(OpenLoad(rate_per_s=5.0),))
    assert sorted(block.target for block in order_jobs(made, make_jobs(made))) == [0, 1, 2]


def test_warming_up_is_apart_and_done_again_at_each_start() -> None:
    """Warm-up rows are marked, and have keys that no other start has."""
    first, second = make_warmup_blocks(plan(), "start1"), make_warmup_blocks(plan(), "start2")
    jobs = [job for block in first for job in block.jobs]
    assert len(jobs) == 6
    assert all(job.is_warmup for job in jobs)
    assert not {job.key for job in jobs} & {job.key for block in second for job in block.jobs}
