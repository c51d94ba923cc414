"""Plans: what is in a plan key, what is not, and what is refused."""

from typing import Any, get_args

import msgspec
import pytest
from msgspec.structs import replace
from support.nine import NINE

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import DeclaredCapabilities, Model
from byok_bench.endpoints.model_record import Capability
from byok_bench.errors import PlanError
from byok_bench.runs.planning.exclusions import find_exclusion
from byok_bench.runs.planning.load_patterns import ClosedLoad, OpenLoad
from byok_bench.runs.planning.plan import (
    Plan,
    PlanSettings,
    compute_plan_hash,
    make_jobs,
    make_plan,
    make_turn_key,
)
from byok_bench.runs.planning.retries import Retries
from byok_bench.runs.storage import ascii_json
from byok_bench.scenarios.scenario import Need, Request, Scenario
from byok_bench.scenarios.selection import load_library

PLAIN = load_library()["plain-answer"]
HOME = Endpoint(label="home", base_url="http://127.0.0.1:8080/v1", models=[Model("m")])


def plan(*endpoints: Endpoint, scenarios: tuple[Scenario, ...] = (PLAIN,), **more: Any) -> Plan:
    """A plan with everything else at its default."""
    return make_plan(endpoints or (HOME,), scenarios, PlanSettings(**({"repeats": 2} | more)))


def keys(made: Plan) -> set[str]:
    """Plan keys of all jobs."""
    return {job.key for job in make_jobs(made)}


def changed(endpoint: Endpoint = HOME, **fields: Any) -> Endpoint:
    """The same endpoint with other fields."""
    return msgspec.structs.replace(endpoint, **fields)


SAME = {
    "label": plan(changed(label="renamed")),
    "key": plan(changed(key=KeyRef.env("SOME_KEY"))),
    "timeouts": plan(changed(timeouts=msgspec.structs.replace(HOME.timeouts, total=5.0))),
    "alias": plan(changed(models=[Model("m", alias="mine")])),
    "seed": plan(seed=7),
    "warm-up": plan(warmup=0),
    "attempts": plan(retries=Retries(attempts=3)),
    "trailing slash": plan(changed(base_url="http://127.0.0.1:8080/v1/")),
}
OTHER = {
    "origin": plan(changed(base_url="http://127.0.0.1:8081/v1")),
    "route": plan(changed(schema="messages")),
    "model": plan(changed(models=[Model("n")])),
    "extra body fields": plan(changed(body={"reasoning_effort": "low"})),
    "parameters": plan(scenarios=(msgspec.structs.replace(PLAIN, request=Request(max_tokens=9)),)),
    "load": plan(loads=(ClosedLoad(concurrency=4),)),
    "rate": plan(loads=(OpenLoad(rate_per_s=1.0),)),
}


@pytest.mark.parametrize("name", SAME)
def test_a_plan_key_does_not_know(name: str) -> None:
    """Time, key, names and patience do not make another exchange."""
    assert keys(SAME[name]) == keys(plan())


@pytest.mark.parametrize("name", OTHER)
def test_a_plan_key_knows(name: str) -> None:
    """What makes another exchange makes another key."""
    assert not keys(OTHER[name]) & keys(plan())


def test_every_exchange_of_a_plan_has_a_key_of_its_own() -> None:
    """Endpoints that send the same to the same place are told apart, too."""
    twice = plan(
        HOME,
        changed(label="again"),
        scenarios=NINE,
        loads=(ClosedLoad(), ClosedLoad(concurrency=2)),
    )
    jobs = make_jobs(twice)
    assert len({job.key for job in jobs}) == len(jobs) == 2 * 9 * 2 * 2


def test_turns_have_keys_that_follow_from_the_first() -> None:
    """A later turn can be named before its body is known."""
    assert make_turn_key("k", 1) == "k"
    assert len({make_turn_key("k", 1), make_turn_key("k", 2), make_turn_key("k", 3), make_turn_key("j", 2)}) == 4
    assert make_turn_key("k", 2) == make_turn_key("k", 2)


def test_the_same_plan_has_the_same_hash() -> None:
    """Resuming finds a run by it; another seed is another order, and so another run."""
    one, same, other = plan(), plan(changed(label="renamed")), plan(seed=1)
    assert compute_plan_hash(one, make_jobs(one)) == compute_plan_hash(same, make_jobs(same))
    assert compute_plan_hash(one, make_jobs(one)) != compute_plan_hash(other, make_jobs(other))


def test_a_stored_plan_is_the_plan() -> None:
    """A run is resumed by the plan that it stored."""
    made = plan(
        scenarios=NINE,
        loads=(ClosedLoad(), OpenLoad(rate_per_s=2.0, end_rate_per_s=4.0)),
    )
    loaded = ascii_json.from_ascii(ascii_json.to_ascii(made), Plan)
    assert loaded == made
    assert keys(loaded) == keys(made)


def test_a_stored_plan_holds_no_header_value_and_no_key() -> None:
    """References and names are kept, values are not."""
    ref = KeyRef.session("sentinel-key-0123456789")
    endpoint = changed(key=ref, headers={"X-Title": "sentinel-header", "X-Other": KeyRef.env("OTHER")})
    stored = ascii_json.to_ascii(plan(endpoint)).decode()
    assert "sentinel" not in stored
    assert "X-Title" in stored


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        (Endpoint(label="empty"), "base_url, models"),
        (changed(models=[]), "models"),
        (changed(key_style="header", key=KeyRef.env("K")), "key_header"),
    ],
)
def test_an_incomplete_endpoint_is_named_with_what_is_missing(endpoint: Endpoint, says: str) -> None:
    """It is never run; the message names the fields."""
    with pytest.raises(PlanError, match=says) as caught:
        plan(endpoint)
    assert endpoint.label in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"repeats": 0}, {"warmup": -1}, {"repeats": 10**7}],
    ids=str,
)
def test_a_number_out_of_range_is_refused(wrong: dict[str, int]) -> None:
    """A plan that makes no sense is refused before anything is sent."""
    with pytest.raises(PlanError, match=next(iter(wrong))):
        plan(**wrong)


def test_two_targets_cannot_have_one_name() -> None:
    """Tables could not tell them apart."""
    with pytest.raises(PlanError, match="twice"):
        plan(HOME, HOME)


NO_TOOLS = Model("m", capabilities=DeclaredCapabilities(tools=Capability(state="no")))
NO_SCHEMA = Model("m", capabilities=DeclaredCapabilities(structured_output=Capability(state="no")))
KEYED = changed(key=KeyRef.env("K"))


@pytest.mark.parametrize(
    ("endpoint", "scenario", "why"),
    [
        (HOME, "bad-key", "uses no key"),
        (KEYED, "bad-key", None),
        (changed(models=[NO_TOOLS]), "forced-tool", "without tools"),
        (changed(models=[NO_TOOLS]), "plain-answer", None),
        (changed(models=[NO_SCHEMA]), "structured-output", "without structured_output"),
        (changed(schema="messages"), "structured-output", None),
        (HOME, "depths", None),
        (HOME, "ladder-beyond", "none is declared or listed"),
        (changed(models=[Model("m", context_window_tokens=1_000)]), "depths", "the model has one of 1000"),
        (changed(models=[Model("m", context_window_tokens=2_000_000)]), "ladder-beyond", None),
    ],
)
def test_a_scenario_that_would_show_nothing_is_left_out(endpoint: Endpoint, scenario: str, why: str | None) -> None:
    """It is left out with its reason, and only then."""
    task = load_library()[scenario]
    found = find_exclusion(plan(endpoint).targets[0], task, task.samples[0], endpoint.models[0])
    assert found is None if why is None else found is not None and why in found


@pytest.mark.parametrize("need", get_args(Need))
def test_what_a_scenario_needs_is_known_of_models(need: str) -> None:
    """A need that no model can be said to lack would be asked for in vain."""
    blind = Model("m", capabilities=DeclaredCapabilities(**{need: Capability(state="no")}))
    task = replace(PLAIN, needs=(need,))
    found = find_exclusion(plan(changed(models=[blind])).targets[0], task, task.samples[0], blind)
    assert found is not None
    assert f"without {need}" in found
