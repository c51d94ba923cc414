"""What an endpoint can do, over real sockets: tables that are right to the last cell, the command, and the book."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import tomlkit
from support.capability_tables import compare_table
from support.killing import REPO
from support.program import Here

from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.capabilities.catalogue import list_features
from byok_bench.checks.capabilities.examination import capabilities
from byok_bench.checks.capabilities.saving import locate_evidence
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Schema

QUICK: dict[str, Any] = {"ttft_ms": 0.0, "gap_ms": 0.0, "context": 1024}
PROFILES: dict[str, tuple[Schema, dict[str, Any]]] = {
    "openrouter": ("chat", {"profile": "openrouter", "reasoning": True}),
    "ollama": ("chat", {"profile": "ollama"}),
    "lm-studio": ("chat", {"profile": "lm-studio", "models": ("simulation/only-thinks",)}),
    "vllm-old responses": ("responses", {"profile": "vllm-old"}),
    "gzip-proxy messages": ("messages", {"profile": "gzip-proxy", "reasoning": True}),
}
"""Name of the table → dialect, and the simulator."""


@pytest.mark.parametrize("name", PROFILES)
async def test_a_table_is_right_to_the_last_cell(name: str) -> None:
    """Every state and every word of a known server is the one in the table, and nothing else is in it."""
    schema, settings = PROFILES[name]
    async with Simulator(**QUICK, **settings) as server:
        report = await capabilities(server.get_endpoint(schema))
    assert compare_table(name, report) == []
    assert [*report] == [one.name for one in list_features(schema)]


async def test_each_state_has_the_exchange_behind_it() -> None:
    """What was asked can be looked at; what was declared has none."""
    async with Simulator(**QUICK) as server:
        report = await capabilities(server.endpoint)
    assert [name for name in report if report.find_exchange(name) is None] == ["context.declared"]


async def test_what_two_features_ask_alike_is_sent_once() -> None:
    """The two cold answers of temperature are those of the greedy answer, too."""
    async with Simulator(**QUICK) as server:
        report = await capabilities(server.endpoint, only=["params.temperature", "model.greedy"])
    assert report.spending.requests == 1 + 4
    assert report.exchanges["model.greedy"] == report.exchanges["params.temperature"][:2]


async def test_a_limit_of_requests_leaves_the_rest_unknown() -> None:
    """No more is sent, and the table says why."""
    async with Simulator(**QUICK) as server:
        report = await capabilities(server.endpoint, max_requests=4)
    assert report.spending.requests == 4
    assert (report["tools.required"].state, report["tools.named"].state) == ("yes", "unknown")
    assert "limit of 4 requests" in (report["tools.named"].evidence or "")


async def test_a_wrong_key_is_told_once_and_ends_it() -> None:
    """Nothing is called refused; no request follows the first."""
    async with Simulator(**QUICK, api_key="sk-right-0123456789") as server:
        endpoint = Endpoint(label="no key", base_url=server.base_url, models=[Model(server.models[0])])
        report = await capabilities(endpoint)
    assert report.spending.requests == 2
    asked = [one for name, one in report.items() if not name.startswith("context.")]
    assert {one.state for one in asked} == {"unknown"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A correct simulator."""
    command = [sys.executable, "-m", "byok_bench", "serve", "--json", "--ttft-ms", "0", "--gap-ms", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPO) as child:
        assert child.stdout is not None
        yield str(json.loads(child.stdout.readline())["base_url"])
        child.terminate()


@pytest.fixture
def book(url: str) -> EndpointBook:
    """The user's book with one endpoint, and a comment of theirs."""
    book = EndpointBook.open()
    book.add(Endpoint(label="Mine", base_url=url, models=[Model("simulator-1")]))
    book.path.write_text(f"# keep this\n{book.path.read_text()}")
    book.refresh()
    return book


ONLY = ("--only", "streaming", "--only", "model", "--only", "tools", "--only", "structured")


def test_the_expense_is_told_before_and_after(here: Here, url: str) -> None:
    """People see what it may take before the first request, and what it took."""
    code, out, err = here("capabilities", "--base-url", url, "--model", "simulator-1", "--only", "streaming")
    assert (code, err.splitlines()[0]) == (0, "This sends at most 2 requests, 100 tokens.")
    assert out.splitlines()[-1].startswith("It took 2 requests")
    assert out.startswith("✔ streaming")


def test_the_document_holds_each_exchange_once(here: Here, url: str) -> None:
    """Every id that stands behind a capability is among the exchanges."""
    _, out, _ = here("capabilities", "--base-url", url, "--model", "simulator-1", *ONLY, "--json")
    document = json.loads(out)
    ids = [one["exchange_id"] for one in document["exchanges"]]
    assert document["version"] == 2
    assert len(ids) == len(set(ids)) == document["requests"]
    assert {one["exchange_id"] for one in document["found"].values()} <= set(ids)


def test_what_is_saved_stands_in_the_book_and_survives_edits(here: Here, book: EndpointBook) -> None:
    """The dated record is read back as it was found, coarse states follow, comments and later edits leave it alone."""
    assert here("capabilities", "Mine", *ONLY, "--save")[0] == 0
    book.refresh()
    (model,) = book["Mine"].models
    assert model.record is not None
    assert (model.record.found["tools.named"].state, model.capabilities.tools.state) == ("yes", "yes")
    assert model.record.traits.prompt_tokens
    assert book.path.read_text().startswith("# keep this")
    book.update(msgspec.structs.replace(book["Mine"], label="Renamed"))
    book.refresh()
    assert book["Renamed"].models[0].record == model.record
    assert "sk-" not in tomlkit.dumps(tomlkit.parse(book.path.read_text()))


def test_the_exchanges_of_a_record_are_kept_beside_the_book(here: Here, book: EndpointBook) -> None:
    """An earlier day's answer can be looked at, byte for byte."""
    here("capabilities", "Mine", *ONLY, "--save")
    book.refresh()
    (model,) = book["Mine"].models
    assert model.record is not None
    kept = json.loads(locate_evidence(book, model.config_key).read_text())
    wanted = model.record.found["model.tokenizer"].exchange_id
    (behind,) = [one for one in kept["exchanges"] if one["exchange_id"] == wanted]
    assert behind["body"]["chunks"]


def test_another_model_behind_the_same_name_is_suspected(here: Here, book: EndpointBook) -> None:
    """A record with another tokenizer makes the command say so, in words and in JSON."""
    here("capabilities", "Mine", *ONLY, "--save")
    text = book.path.read_text()
    assert "prompt_tokens = [14, " in text
    book.path.write_text(text.replace("prompt_tokens = [14, ", "prompt_tokens = [17, "))
    _, out, err = here("capabilities", "Mine", *ONLY, "--json")
    compared = json.loads(out)["compared"]
    assert compared["is_suspicious"]
    assert compared["sentence"].startswith("Looks like another model than on")
    assert "tokenizer differs" in err


def test_nothing_that_answers_is_an_unfinished_command(here: Here) -> None:
    """Exit code 3, and no state but unknown."""
    code, out, _ = here("capabilities", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--only", "streaming")
    assert code == 3
    assert out.startswith("? streaming")
