"""The OpenAI Python SDK as a client: every conformant stream, and every replayed one, gives it what it gives us.

Where the SDK reads a legal stream otherwise, tests/cases/sdk.toml says how and why, and that is asserted too.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from support.case_server import serving
from support.cases import Case
from support.corpus import PASSIVE
from support.records import asked
from support.sdk import READERS, Seen, ours, seen_by
from support.sdk_page import OTHERWISE, PAGE, page, rows
from support.sdk_words import told
from support.simulated import body_for

from byok_bench.backends.simulator.replay import Replay
from byok_bench.backends.simulator.server import Simulator
from byok_bench.cli import serve
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import send
from byok_bench.runs.runner import run


def conformant(case: Case) -> bool:
    """Whether a case is a streamed answer that breaks no rule."""
    try:
        body = json.loads(case.turns[0].request)
    except ValueError:
        return False
    streamed = isinstance(body, dict) and body.get("stream") is True and case.schema in READERS
    return streamed and case.failure is None and all(one.severity == "info" for one in case.findings)


CONFORMANT = [case for case in PASSIVE if conformant(case)]


@pytest.mark.parametrize("case", CONFORMANT, ids=str)
async def test_a_conformant_stream_is_read_as_we_read_it(case: Case) -> None:
    """Loop and helper give our output of choice 0, or differ as the table of legal streams says."""
    (turn,) = case.turns
    body = asked(turn)
    readers = READERS[case.schema]
    async with serving([turn.reply] * (1 + len(readers))) as server:
        endpoint = Endpoint(label="case", base_url=server.base_url, schema=case.schema, models=[Model("m")])
        want = ours((await send(endpoint, body)).output)
        if case.schema == "responses":
            want.finish_reason = None  # a word of ours: that API has a status in its place
        got = {name: told(await seen_by(read, server.base_url, body), want) for name, read in readers.items()}
    assert {name: words for name, words in got.items() if words} == OTHERWISE.get(str(case), {})


def test_every_named_stream_is_in_the_corpus() -> None:
    """No entry of the table is about a stream that is gone, and the corpus is as large as it has to be."""
    assert OTHERWISE.keys() <= {str(case) for case in CONFORMANT}
    assert sum(case.schema == "chat" and case.file.startswith("conformant") for case in CONFORMANT) >= 51
    assert len(CONFORMANT) > 300  # as docs/sdk.md says


async def test_a_replayed_run_is_read_as_it_was_recorded(tmp_path: Path) -> None:
    """`serve --replay`: from the bytes of a recorded run the SDK puts the recorded outputs together."""
    store = tmp_path / "bench.sqlite"
    async with Simulator(ttft_ms=0, gap_ms=0) as server:
        done = await run(server.endpoint, ["plain-answer", "forced-tool"], repeats=2, warmup=0, store=store)
    tapes = serve.list_recordings("last", store, None)
    async with Replay(tapes, speed=0) as replay:
        for name, read in READERS["chat"].items():
            seen = [await seen_by(read, replay.base_url, json.loads(tape.body)) for tape in tapes]
            assert _counted(seen) == _counted([ours(one.output) for _, one in done.iterate_exchanges()]), name
    assert any(one.calls for one in seen)
    assert any(one.text for one in seen)


def _counted(answers: list[Seen]) -> Counter[str]:
    return Counter(map(repr, answers))


@pytest.mark.timeout(300)
async def test_the_page_is_what_runs_give() -> None:
    """docs/sdk.md, compared line by line; `python tools/make_sdk_page.py` writes it again."""
    assert page(await rows()).splitlines() == PAGE.read_text("utf-8").splitlines()


async def test_a_redirected_request_is_stopped_on_this_machine() -> None:
    """The SDK follows redirects; here it gets no farther than the server that sends it away."""
    async with Simulator(faults=["http.redirect"]) as server:
        body = {"model": server.models[0], **body_for("chat")}
        seen = await seen_by(READERS["chat"]["loop"], server.base_url, body)
    assert seen.elsewhere == "elsewhere.invalid"
