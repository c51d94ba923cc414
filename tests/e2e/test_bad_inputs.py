"""What goes wrong around a run, looked at where a person looks: a dead server, a renamed model, forty endpoints."""

import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.__main__ import main
from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.report.evidence import list_failures
from byok_bench.report.html import render_report_page
from byok_bench.report.verdict_cards import make_cards
from byok_bench.report.winner import choose_winner
from byok_bench.runs.runner import run as play
from byok_bench.runs.storage.migrations import VERSION
from byok_bench.runs.storage.result_file import prepare_store
from byok_bench.ui.errors_view import render_failures
from byok_bench.ui.results_view import render_results

FORTY = tuple(f"endpoint {n} of a company with many of them" for n in range(40))


async def test_a_dead_and_a_renamed_one_of_five_take_nothing_from_the_others(tmp_path: Path) -> None:
    """Both come first, with what happened and what to do; the three others are judged as if they were alone."""
    async with Simulator() as server:
        good = [Endpoint(label=f"good {n}", base_url=server.base_url, models=[Model("simulator-1")]) for n in range(3)]
        dead = Endpoint(label="dead", base_url="http://127.0.0.1:9/v1", models=[Model("m")])
        renamed = Endpoint(label="renamed", base_url=server.base_url, models=[Model("simulator-0")])
        run = await play(
            [*good, dead, renamed], ["plain-answer", "unknown-model"], repeats=2, store=tmp_path / "bench.sqlite"
        )
    assert run.status == "finished"
    cards = make_cards(run)
    assert [(card.endpoint, card.state) for card in cards[:2]] == [("dead", "unusable"), ("renamed", "unusable")]
    assert [len(card.clauses) for card in cards[:2]] == [1, 2]  # the dead one has refused nothing
    assert [card.state for card in cards[2:]] == ["usable"] * 3
    chosen = choose_winner(run, cards).card
    assert chosen is None or chosen.endpoint.startswith("good")
    told = [line for line in list_failures(run) if line["scenario"] == "plain-answer"]
    assert {line["endpoint"]: (line["kind"], line["advice"].split()[0]) for line in told} == {
        "dead": ("network", "Check"),
        "renamed": ("not_found_model", "Check"),
    }
    shown = render_failures(run).data
    assert "Connection refused" in shown
    assert "The model &#x27;simulator-0&#x27; does not exist." in shown


def test_forty_endpoints_are_all_told() -> None:
    """A card, a row of each comparison, and a line of what failed, each; of a colour or dash none is missing."""
    rows = [row(target=n, exchange_id=n, ttft_ms=10.0 + n, e2e_ms=50.0) for n in range(40)]
    rows += [failed(scenario="forced-tool", target=n, exchange_id=40 + n) for n in range(0, 40, 2)]
    run = MadeRun(rows, plan(FORTY))
    assert len(make_cards(run)) == 40
    page = render_report_page(run)
    compared = re.findall(r'<table class="pivot">.*?</table>', page, flags=re.S)
    assert [part.count('<th scope="row">') for part in compared] == [40, 40]
    assert page.count("failed: server in forced-tool") == 20
    assert render_failures(run).data.count("boom") == 20
    latency = render_results(run, "latency").data
    assert not [label for label in FORTY if label not in latency]


def test_a_result_file_of_a_newer_version_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing on stdout, exit code 2, and which of the two is newer."""
    path = tmp_path / "bench.sqlite"
    prepare_store(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"pragma user_version = {VERSION + 1}")
    monkeypatch.setattr(sys, "argv", ["byok-bench", "report", "last", "--store", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capfd.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert "newer byok-bench" in err
    assert len(err.splitlines()) == 1
