"""What docs/clients.md says of the Python clients is what they do; what it says of others was played last."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.clients.page import DATA, PAGE, read_versions, render_page
from support.clients.play import CLIENTS, FAULTS, ON_NODE, Worker, play_fault, start_worker

from byok_bench.checks.client_effects import describe_effects, find_client_effects, load_client_effects

PYTHON = [client for client in CLIENTS if client not in ON_NODE]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[Worker]:
    """The process of the Python clients, for all tests of this file."""
    async with start_worker(on_node=False) as started:
        yield started


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
@pytest.mark.clients
@pytest.mark.timeout(300)
@pytest.mark.asyncio(loop_scope="module")
async def test_each_client_makes_of_a_fault_what_the_page_says(fault, worker) -> None:  # type: ignore[no-untyped-def]
    """Right, raises, or wrong without a word, in every form in which the fault shows."""
    played = {
        (one.client, one.schema, one.stream): one.outcome for one in await play_fault(fault, PYTHON, {False: worker})
    }
    said = {
        (one.client, one.schema, one.stream): one.outcome
        for one in load_client_effects().effects
        if one.check == fault.id and one.client in PYTHON
    }
    assert played == said


@pytest.mark.clients
def test_the_versions_on_the_page_are_those_that_were_played() -> None:
    """Another version may do otherwise."""
    versions = load_client_effects().versions
    assert {client: versions[client] for client in PYTHON} == read_versions(PYTHON)


def test_the_page_is_made_of_the_data() -> None:
    """`python tools/make_clients_page.py --page` writes it again."""
    assert PAGE.read_text("utf-8") == render_page(load_client_effects())


def test_every_client_of_the_table_was_played() -> None:
    """Those on Node, too."""
    assert list(load_client_effects().versions) == list(CLIENTS)


def test_a_client_that_reads_it_rightly_is_not_said_to_break() -> None:
    """A rule's effects are those that a user would notice, or not notice."""
    found = find_client_effects("tool.index-missing", "chat", stream=True)
    assert found
    assert "right" not in {one.outcome for one in found}


def test_effects_are_told_in_a_sentence() -> None:
    """Who raises together, who is wrong one by one; nothing for nobody."""
    found = find_client_effects("tool.id-missing", "chat", stream=True)
    assert "pydantic-ai and vercel-ai: " in describe_effects(found)
    assert describe_effects([]) == ""


def test_the_data_has_an_effect_a_line() -> None:
    """So that a change of one shows in a diff."""
    assert len(DATA.read_text().splitlines()) == len(load_client_effects().effects) + 3
