"""`byok-bench vendor` on simulators: request lines played, three-valued verdicts, files and exit codes."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import Here
from support.vendor_worlds import TOOLS

from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.results import Run


@pytest.fixture
def book() -> Iterator[None]:
    """Two endpoints of the book that answer: one good, one whose calls do not fit their schema."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = [Simulator(ttft_ms=1, gap_ms=0), Simulator(ttft_ms=1, gap_ms=0, faults=["tool.schema"])]
    opened = EndpointBook.open()
    for label, server in zip(("official", "host"), servers, strict=True):
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(30)
        opened.add(Endpoint(label=label, base_url=server.base_url, models=[Model("simulator-1")]))
    yield
    for server in servers:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Twelve request lines that ask for a call."""
    path = tmp_path / "samples.jsonl"
    line = {"messages": [{"role": "user", "content": ""}], "tools": TOOLS, "tool_choice": "required", "stream": True}
    path.write_text(
        "\n".join(json.dumps(line | {"messages": [{"role": "user", "content": f"city {n}"}]}) for n in range(12))
    )
    return path


def test_request_lines_are_played_judged_and_written(here: Here, book: None, lines: Path, tmp_path: Path) -> None:
    """A host whose calls do not fit fails in valid calls; its results are in K2VV's shape, a line an exchange."""
    arguments = [
        "--reference",
        "official",
        "--candidate",
        "host",
        "--k2vv",
        str(lines),
        "--results",
        str(tmp_path / "r"),
    ]
    code, out, err = here("vendor", *arguments, "--json")
    document = json.loads(out)
    assert (code, document["verdict"], document["reference"]) == (1, "fail", "official"), err
    by_metric = {line["metric"]: line for line in document["vendor"]}
    assert by_metric["schema_accuracy"]["verdict"] == "fail"
    assert by_metric["trigger"]["value"] == 1.0
    assert by_metric["failures"]["value"] == 0.0
    assert document["finish"]["host"] == {"tool_calls": {"tool_calls": 24}}
    results = [json.loads(line) for line in (tmp_path / "r" / "host" / "results.jsonl").read_text().splitlines()]
    assert sorted(one["data_index"] for one in results) == sorted([*range(1, 13)] * 2)
    assert {one["tool_calls_valid"] for one in results} == {False}
    assert results[0]["request"]["model"] == "simulator-1"
    code, out, _ = here("vendor", "last", "--reference", "official", "--margins", "rates=1,times=99")
    assert "host is no worse than official" in out or "undecided" in out
    assert code in (0, 4)
    assert Run.open().plan.scenarios[0].name == "samples"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--reference NAME"),
        (["--reference", "official", "--margins", "rates"], "NAME=NUMBER"),
        (["--reference", "official", "--k2vv", "nowhere.jsonl"], "cannot read"),
        (["--reference", "official"], "no run|no result file"),
    ],
)
def test_wrong_usage_is_one_clear_line(here: Here, options: list[str], said: str) -> None:
    """Exit code 2, and nothing was sent."""
    code, out, err = here("vendor", *options)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert any(part in err for part in said.split("|")), err
