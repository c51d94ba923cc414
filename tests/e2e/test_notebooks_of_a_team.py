"""The notebooks as a team's tests: what they say of an endpoint named in `MINE`, on copies, in a real kernel."""

import ast
import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager, start_new_async_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from support.books import an_endpoint

from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model

FOLDER = Path(__file__).parents[2] / "notebooks"
READ = {path.stem: nbformat.read(path, 4) for path in sorted(FOLDER.glob("*.ipynb"))}
WITH_MINE = [name for name, book in READ.items() if any("MINE = []" in cell.source for cell in book.cells)]
QUICK = {
    "00_start_here": {"REPEATS": 1, "SCENARIOS": ["plain-answer", "long-stream"], "FAULTS": ["http-429"]},
    "02_agent_prompts": {"REPEATS": 1},
    "03_latency": {"REPEATS": 1, "LADDER": [1]},
    "04_streaming": {"REPEATS": 3},
    "05_errors": {"MISTAKES": ["plain-answer", "unknown-model"], "FAULTS": ["http-429", "http-503", "http.redirect",
        "http.html-200", "stream-cut", "error.in-stream"]},
}  # fmt: skip
"""Settings that make a notebook shorter and change nothing of what it says of one's own endpoint."""
BREAKS_A_RULE = ["finish.value"]
"""The answers are whole, and break a rule of severity error."""


@pytest.fixture
async def kernel() -> AsyncIterator[AsyncKernelManager]:
    """One kernel for all runs of a notebook: importing takes longer than running."""
    manager, client = await start_new_async_kernel()
    client.stop_channels()
    try:
        yield manager
    finally:
        await manager.shutdown_kernel(now=True)


async def result_of(kernel: AsyncKernelManager, name: str, **settings: Any) -> str:
    """What stopped a copy of the notebook with these settings; empty if it ran to its end."""
    book = copy.deepcopy(READ[name])
    [cell] = [cell for cell in book.cells if "parameters" in cell.metadata.get("tags", [])]
    for setting, value in (QUICK[name] | settings).items():
        cell.source = with_setting(cell.source, setting, value)
    client = NotebookClient(book, km=kernel, timeout=120)
    try:
        await client.async_execute()
    except CellExecutionError as error:
        return str(error)
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
    return ""


def with_setting(source: str, name: str, value: Any) -> str:
    """A cell of assignments with another value for one."""
    lines = source.splitlines()
    [found] = [one for one in ast.parse(source).body if getattr(one, "targets", [None])[0].id == name]  # type: ignore[attr-defined]
    lines[found.lineno - 1 : found.end_lineno] = [f"{name} = {value!r}"]
    return "\n".join(lines)


def keep(label: str, base_url: str) -> Endpoint:
    """An endpoint of the team in the book."""
    made = an_endpoint(label, base_url=base_url, models=[Model("simulator-1")])
    EndpointBook.open().add(made)
    return made


def test_every_notebook_with_endpoints_of_ones_own_is_tried() -> None:
    """A new one takes part."""
    assert sorted(QUICK) == WITH_MINE


@pytest.mark.parametrize("name", WITH_MINE)
async def test_a_notebook_is_a_test_of_the_endpoints_that_it_names(
    kernel: AsyncKernelManager, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good endpoint passes, a misspelt label and a dead one fail it; a broken rule fails it on demand."""
    async with Simulator() as good, Simulator(faults=BREAKS_A_RULE) as faulty:
        keep("Our gateway", good.base_url)
        keep("Dead", "http://127.0.0.1:9/v1")
        keep("Faulty", faulty.base_url)
        assert await result_of(kernel, name, MINE=["Our gateway"], DEMAND="no errors") == ""
        misspelt = await result_of(kernel, name, MINE=["Our gatewy"])
        assert "no endpoint is called 'Our gatewy'; in the book: Our gateway, Dead, Faulty" in misspelt
        owed = await result_of(kernel, name, MINE=["Dead", "Faulty"], DEMAND="no errors")
        assert "have no answer; network (connect)" in owed
        assert "rules of severity error were broken: finish.value" in owed
