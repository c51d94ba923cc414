"""`byok-bench runs`: the file looked at and put in order from the command line."""

import asyncio
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.cli.main import main
from byok_bench.cli.run_lists import render_date, render_size
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.runner import run
from byok_bench.runs.storage.result_file import change_store

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """The program, with what is typed: (exit code, stdout, stderr)."""

    def start(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["byok-bench", "runs", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return start


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with two runs."""
    store = tmp_path_factory.mktemp("runs") / "bench.sqlite"

    async def play() -> None:
        async with serving(BenchServer()) as server:
            endpoint = Endpoint(label="gateway", base_url=server.base_url, models=[Model(MODEL)])
            for note in ("before", "after"):
                await run(endpoint, "plain-answer", 2, store=store, resume=False, note=note, plan_file="plan.toml")

    asyncio.run(play())
    return store


@pytest.fixture
def store(played: Path, tmp_path: Path) -> str:
    """A copy of it."""
    copy = tmp_path / "bench.sqlite"
    copy.write_bytes(played.read_bytes())
    return str(copy)


def list_ids(call: Call, store: str) -> list[str]:
    """The runs in a file."""
    return [one["run"] for one in json.loads(call("list", "--store", store, "--json")[1])["runs"]]


def test_the_list_tells_what_a_person_looks_for(call: Call, store: str) -> None:
    """Id, local date, state, counts, note, scenarios, plan file, and what the file takes."""
    code, out, _ = call("list", "--store", store)
    created = json.loads(call("list", "--store", store, "--json")[1])["runs"][0]["created"]
    assert code == 0
    for part in (render_date(created), "finished", "2 done", "“before”", "plain-answer × 2", "(plan.toml)", "2 runs"):
        assert part in out


def test_the_document_of_the_list_is_versioned(call: Call, store: str) -> None:
    """Programs find every fact under a key of its own."""
    document = json.loads(call("list", "--store", store, "--json")[1])
    assert document["version"] == 2
    assert {"run", "created", "status", "is_abandoned", "note", "targets", "scenarios", "size_bytes"} <= set(
        document["runs"][0]
    )


def test_deleting_asks_and_a_no_deletes_nothing(call: Call, store: str) -> None:
    """What was paid for is not gone by a slip."""
    before = list_ids(call, store)
    code, _, err = call("delete", "before", "--store", store, typed="n\n")
    assert (code, list_ids(call, store)) == (2, before)
    assert "cannot be undone" in err


@pytest.mark.parametrize(("extra", "typed"), [((), "y\n"), (("--yes",), "")])
def test_a_deleted_run_is_gone(call: Call, store: str, extra: tuple[str, ...], typed: str) -> None:
    """By a yes, or by --yes where nobody can be asked."""
    before = list_ids(call, store)
    code, _, err = call("delete", "before", "--store", store, *extra, typed=typed)
    assert code == 0, err
    assert list_ids(call, store) == before[1:]
    assert "given back" in err


def test_without_anybody_to_ask_nothing_is_deleted(call: Call, store: str) -> None:
    """A script that forgot --yes is told of it."""
    code, _, err = call("delete", "before", "--store", store)
    assert code == 2
    assert "--yes" in err
    assert len(list_ids(call, store)) == 2


def test_a_note_is_given_afterwards_too(call: Call, store: str) -> None:
    """And the run is shown by it."""
    assert call("note", "after", "the new gateway", "--store", store)[0] == 0
    code, out, _ = call("show", "the new gateway", "--store", store)
    assert code == 0
    assert "“the new gateway”" in out


def test_an_ambiguous_start_names_every_run_that_it_fits(call: Call, store: str) -> None:
    """The ids to choose from are in the line."""
    ids = list_ids(call, store)
    code, _, err = call("show", "20", "--store", store)
    assert code == 2
    assert f"fits {len(ids)} runs" in err
    assert all(id_ in err for id_ in ids)


def test_a_sound_file_passes_the_check_and_a_damaged_one_fails_it(call: Call, store: str) -> None:
    """Exit code 1, so that a script can tell."""
    assert call("check", "--store", store)[0] == 0
    with change_store(Path(store)) as db:
        db.execute("update body set response = x'00'")
    code, out, _ = call("check", "--store", store, "--json")
    assert code == 1
    assert len(json.loads(out)["damages"]) == 6  # two runs of two answers and a warm-up


def test_an_export_writes_what_it_is_asked_for(call: Call, store: str, tmp_path: Path) -> None:
    """And says what it wrote."""
    code, out, _ = call("export", "before", "--store", store, "--jsonl", str(tmp_path / "x.jsonl"), "--json")
    assert code == 0
    assert json.loads(out)["written"] == [str(tmp_path / "x.jsonl")]
    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == 3


def test_an_export_as_telemetry_is_a_file_unless_it_names_a_collector(call: Call, store: str, tmp_path: Path) -> None:
    """A URL is an address, anything else is a path."""
    wanted = tmp_path / "spans.jsonl"
    code, out, _ = call("export", "before", "--store", store, "--otel", str(wanted), "--json")
    assert (code, json.loads(out)["written"]) == (0, [str(wanted)])
    assert "resourceSpans" in wanted.read_text()


def test_an_export_to_nowhere_is_refused(call: Call, store: str) -> None:
    """It names the ways out."""
    code, _, err = call("export", "--store", store)
    assert code == 2
    assert "--csv" in err


def test_an_empty_file_is_said_to_be_one(call: Call, tmp_path: Path) -> None:
    """Not that `last` could not be found."""
    from byok_bench.runs.storage.result_file import prepare_store

    prepare_store(tmp_path / "empty.sqlite")
    code, _, err = call("show", "--store", str(tmp_path / "empty.sqlite"))
    assert code == 2
    assert "there is no run in this file yet" in err


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 KB"), (13_060_000, "13.1 MB"), (10**16, "10000.0 TB")],
)
def test_sizes_are_told_in_steps_of_a_thousand(count: int, text: str) -> None:
    """As disks are sold."""
    assert render_size(count) == text
