"""Every scenario of the library proves itself: its solution meets all, each mistake misses what it must and no more."""

from pathlib import Path

import pytest
from msgspec.structs import replace

import byok_bench
from byok_bench.scenarios.proofs import list_mistake_numbers, prove_scenarios
from byok_bench.scenarios.scenario import DIALECTS, Scenario
from byok_bench.scenarios.scenario_file import parse_scenario
from byok_bench.scenarios.scenario_rules import check_scenario
from byok_bench.scenarios.scripts import make_script
from byok_bench.scenarios.selection import load_library

PACKAGE = Path(byok_bench.__file__).parent
LIBRARY = tuple(load_library().values())


@pytest.mark.parametrize("schema", DIALECTS)
async def test_every_solution_is_good_and_every_mistake_is_caught(schema: str) -> None:
    """By the one expectation that it names, streamed and whole, in a dialect."""
    proofs = [proof async for proof in prove_scenarios(LIBRARY, [schema])]
    assert [proof.problem for proof in proofs if proof.problem] == []
    assert {proof.scenario for proof in proofs} == {
        one.name for one in LIBRARY if any(list_mistake_numbers(one, sample, schema) for sample in one.samples)
    }


@pytest.mark.parametrize("scenario", LIBRARY, ids=lambda one: f"{one.group}/{one.name}")
def test_a_scenario_of_the_library_can_fail(scenario: Scenario) -> None:
    """Each sample has a solution, unless a good server refuses it by itself, and each scenario two mistakes."""
    check_scenario(scenario)
    assert scenario.version == 2
    assert scenario.about
    for sample in scenario.samples:
        assert sample.solution or scenario.wants_failure, sample.name
        assert sample.mistake, sample.name
        assert sample.expect, sample.name
    assert sum(len(sample.mistake) for sample in scenario.samples) >= 2


def test_no_two_answers_of_the_library_are_for_one_request() -> None:
    """A server that plays all of it knows each request by itself."""
    entries = [entry for one in LIBRARY for entry in make_script(one) if not entry["mistake"]]
    owners: dict[str, set[str]] = {}
    for entry in entries:
        owners.setdefault(f"{entry['request']}{entry['settings']}", set()).add(entry["sample"])
    assert [names for names in owners.values() if len(names) > 1] == []


def test_names_are_unique_over_all_groups() -> None:
    """A name alone finds one scenario, and its file is called so."""
    names = sorted(path.stem for path in (PACKAGE / "scenarios/library").rglob("*.toml"))
    assert names == sorted({one.name for one in LIBRARY})


async def test_a_mistake_that_nobody_catches_is_told() -> None:
    """The proof itself can fail: a mistake that meets everything, and a solution that does not."""
    plain = load_library()["plain-answer"]
    text = [proof async for proof in prove_scenarios([break_scenario(plain)], ["chat"])]
    assert [bool(proof.problem) for proof in text] == [True, True, True, True]
    assert "the solution misses its own expectations: answered: the last answer holds no text" in text[0].problem
    assert "must miss answered and nothing else, but: nothing was missed" in text[1].problem


def break_scenario(scenario: Scenario) -> Scenario:
    """Solution and mistake exchanged."""
    (sample,) = scenario.samples
    wrong = replace(sample.mistake[0], turns=sample.solution)
    return replace(scenario, samples=(replace(sample, solution=sample.mistake[0].turns, mistake=(wrong,)),))


async def test_the_example_of_the_page_proves_itself() -> None:
    """What docs/scenarios.md shows can be copied."""
    page = (Path(__file__).parents[3] / "docs/scenarios.md").read_text("utf-8")
    shown = page.partition("```toml\n")[2].partition("```")[0]
    proofs = prove_scenarios([parse_scenario(shown.encode(), "docs/scenarios.md")], ["chat"])
    assert [proof.problem async for proof in proofs] == [""] * 4
