"""Exports: complete, readable by others, and harmless in a spreadsheet."""

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange
from byok_bench.errors import ExportError
from byok_bench.report import batched_files
from byok_bench.report.detail_frames import write_chunks
from byok_bench.report.export import write_csv, write_parquet
from byok_bench.report.html import write_html
from byok_bench.report.printable_text import replace_surrogates, to_printable_line
from byok_bench.report.tables import list_table_lines
from byok_bench.runs.results import TABLES
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest

RUN = MadeRun(
    [
        row(
            ttft_ms=10.0,
            e2e_ms=20.0,
            itl_ms=(1.5, 2.5),
            findings=(Finding(check="c", severity="warn", message="m"),),
        ),
        failed(repeat=2, message='=HYPERLINK("http://x","y")'),
        row("forced-tool"),
        failed(repeat=3, message="lone \ud800, NUL \x00, ünï"),
    ],
    plan(),
)


def test_csv_has_every_exchange_and_every_table(tmp_path: Path) -> None:
    """Lists stand in it as JSON."""
    names = sorted(path.name for path in write_csv(RUN, tmp_path))
    assert names == sorted(f"{name}.csv" for name in (*TABLES, "exchanges", "findings"))
    with (tmp_path / "exchanges.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert json.loads(rows[0]["itl_ms"]) == [1.5, 2.5]
    assert json.loads(rows[0]["findings"])[0]["check"] == "c"
    assert rows[0]["endpoint"] == "one"


def test_a_servers_text_is_no_formula(tmp_path: Path) -> None:
    """A spreadsheet would run it."""
    write_csv(RUN, tmp_path)
    with (tmp_path / "exchanges.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file))[1]["message"].startswith("'=HYPERLINK")


def test_parquet_comes_back_with_its_types(tmp_path: Path) -> None:
    """Numbers are numbers, missing ones are missing, and no text stops the export."""
    write_parquet(RUN, tmp_path)
    made = pd.read_parquet(tmp_path / "exchanges.parquet")
    assert made["ttft_ms"][0] == 10.0
    assert pd.isna(made["ttft_ms"][1])
    assert "ünï" in made["message"][3]


def test_types_do_not_hang_on_the_first_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run is written in parts, and what is missing in the first one may come in the second."""
    monkeypatch.setattr(batched_files.iterate_batches, "__defaults__", (1,))
    told = {"retryable": True, "retry_after_s": 1.5, "reasoning_tokens": 3, "cached_tokens": 2, "stopped": "rounds"}
    write_parquet(MadeRun([row(), failed(**told), row()], plan()), tmp_path)
    made = pq.read_table(tmp_path / "exchanges.parquet").to_pylist()
    assert [{name: line[name] for name in told} for line in made] == [dict.fromkeys(told), told, dict.fromkeys(told)]


def test_findings_come_one_a_line(tmp_path: Path) -> None:
    """With the exchange that they are about; what is not known of a place is missing, never 0."""
    write_parquet(RUN, tmp_path)
    made = pd.read_parquet(tmp_path / "findings.parquet")
    assert made[["exchange_id", "check", "severity", "message"]].to_numpy().tolist() == [[0, "c", "warn", "m"]]
    assert made["event"].isna().all()


def test_chunks_come_with_their_times_and_sizes(tmp_path: Path) -> None:
    """As the record has them, each exchange's in order."""
    run = MadeRun([row(exchange_id=4, repeat=1)], plan())
    asked = RawRequest(id="r", method="POST", url="http://127.0.0.1/v1", headers=(), body=b"{}")
    raw = RawExchange(request=asked, phases=Phases(start=1, written=1_000_000), chunks=[(3_500_000, b"abc"), (9, b"")])
    exchange = Exchange(raw, label="one", base_url="http://127.0.0.1/v1", schema="chat", model="m")
    run.iterate_exchanges = lambda: iter([(run.rows[0], exchange)])  # type: ignore[method-assign]
    write_chunks(run, tmp_path / "chunks.parquet")
    made = pd.read_parquet(tmp_path / "chunks.parquet")
    assert made.to_numpy().tolist() == [[4, 0, 2.5, 3], [4, 1, -0.999991, 0]]


def test_a_run_without_a_record_has_no_chunks(tmp_path: Path) -> None:
    """The file is there, with its columns."""
    write_parquet(RUN, tmp_path)
    made = pd.read_parquet(tmp_path / "chunks.parquet")
    assert (len(made), list(made.columns)) == (0, ["exchange_id", "chunk", "after_ms", "size_bytes"])


@pytest.mark.parametrize("name", TABLES)
def test_a_table_as_json_has_null_for_na(name: str) -> None:
    """So that other programs do not take NaN for a number."""
    text = json.dumps(list_table_lines(RUN, name), allow_nan=False)
    assert json.loads(text)[0]["endpoint"] == "one"


def test_plain_leaves_everything_but_lone_surrogates() -> None:
    """Only what no file can hold is replaced."""
    value = {"a": ["ü 💡 \x00", ("\ud800",)], "b": 1.5, "c": None}
    assert replace_surrogates(value) == {
        "a": ["ü 💡 \x00", ("\N{REPLACEMENT CHARACTER}",)],
        "b": 1.5,
        "c": None,
    }


def test_printable_text_obeys_nobody() -> None:
    """Line ends and tabs become spaces, controls become visible."""
    assert to_printable_line("a\n\tb\x1b[31mü\u202e") == "a  b\N{REPLACEMENT CHARACTER}[31mü\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("place", ["file/inside", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    """One clear error, and nothing is left behind."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExportError, match=f"cannot write .*{place.split('/')[0]}"):
        write_html(RUN, tmp_path / place)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "mine"
