"""`byok-bench run`, `report` and `compare` as people start them: text, files, JSON and exit codes."""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bench_server import KEY
from support.killing import REPO, server
from support.program import Here

from byok_bench.runs.results import DETAILS, TABLES


@pytest.fixture(scope="module")
def server_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the test server was asked: one id a line."""
    log = tmp_path_factory.mktemp("server") / "requests.log"
    log.touch()
    return log


@pytest.fixture(scope="module")
def url(server_log: Path) -> Iterator[str]:
    """The test server, in a process of its own."""
    with server(server_log) as base_url:
        yield base_url


class Shell:
    """Starts the program in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = os.environ | {
            "BYOK_BENCH_HOME": str(home),
            "PYTHONPATH": str(REPO),
            "COLUMNS": "100",
        }

    def plan(self, text: str) -> None:
        """Write plan.toml."""
        (self.home / "plan.toml").write_text(f"version = 1\n{text}")

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """The program, running."""
        return subprocess.Popen(
            [sys.executable, "-m", "byok_bench", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            env=self.environment, cwd=self.home,
        )  # fmt: skip

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr)."""
        with self.start(*arguments) as child:
            out, err = child.communicate()
        return child.returncode, out, err


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A person at a terminal."""
    (tmp_path / "home").mkdir()
    return Shell(tmp_path / "home")


def target(url: str) -> list[str]:
    """Options that name the test server."""
    return ["--base-url", url, "--model", "tiny"]


def test_a_run_prints_three_tables_that_fit_a_hundred_columns(shell: Shell, url: str) -> None:
    """Tables on stdout, everything else on stderr, exit 0."""
    code, out, err = shell("run", *target(url), "-s", "plain-answer", "-s", "unknown-model", "--repeats", "2")
    assert code == 0, err
    assert [title for title in ("Latency", "Streaming correctness", "Error handling") if title in out]
    assert max(map(len, out.splitlines())) <= 100
    assert "not_found_model ×2" in out
    assert "Traceback" not in err


def test_json_is_one_document_with_every_table(shell: Shell, url: str) -> None:
    """And nothing else is on stdout."""
    code, out, _ = shell("run", *target(url), "-s", "forced-tool", "--repeats", "2", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["version"] == 2
    assert set(document["tables"]) == {*TABLES, *DETAILS}
    assert document["tables"]["tools"][0]["valid"] == 2
    assert document["status"] == "finished"


DEAD = ["--base-url", "http://127.0.0.1:9/v1", "--model", "tiny"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run"], 2, "name an endpoint"),
        (["run", *DEAD, "-s", "plain-anser"], 2, "did you mean 'plain-answer'?"),
        (["run", *DEAD, "--concurrency", "1,x"], 2, "--concurrency"),
        (["run", *DEAD, "--concurrency", "0"], 2, "concurrency"),
        (["run", *DEAD, "--arrivals", "bursty", "--rate", "1"], 2, "bursty"),
        (["run", "--base-url", "http://127.0.0.1:9/v1"], 2, "it needs a model"),
        (["run", "--endpoint", "nobody"], 2, "nobody"),
        (["run", "no-plan.toml"], 2, "no-plan.toml"),
        (["run", "--resume", "last"], 2, "no result file"),
        (["run", "--resume", "x", "--repeats", "3"], 2, "--resume"),
        (["report"], 2, "no result file"),
        (["compare", "a", "b"], 2, "no result file"),
    ],
)
def test_wrong_usage_is_one_clear_line(here: Here, arguments: list[str], code: int, says: str) -> None:
    """Exit 2, what was wrong, and no traceback."""
    found, out, err = here(*arguments)
    assert found == code, err
    assert says in err
    assert out == ""
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (DEAD, "nothing answered; network (connect) ×2: "),
        (["--base-url", "{url}", "--model", "tyny"], "nothing answered; not_found_model"),
        (["--base-url", "{url}", "--model", "tiny", "--key-env", "WRONG"], "nothing answered; auth"),
    ],
    ids=["a dead port", "a typo in a model", "a wrong key"],
)
def test_a_target_that_answers_nothing_is_said_in_one_line(
    here: Here, url: str, options: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables are there, the line says why they are empty, exit 3."""
    monkeypatch.setenv("WRONG", "wrong-key-0123456789")
    given = [option.format(url=url) for option in options]
    code, out, err = here("run", *given, "-s", "plain-answer", "--repeats", "2")
    assert code == 3
    assert "Latency" in out
    assert sum(says in line for line in err.splitlines()) == 1
    assert "wrong-key-0123456789" not in out + err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--base-url", "http://169.254.169.254/v1", "--model", "m"], "never called"),
        (["--base-url", "http://", "--model", "m"], "no host"),
        (["--base-url", "{url}", "--model", "tiny", "--key-env", "UNSET"], "UNSET is not set"),
    ],
    ids=["a forbidden address", "a malformed address", "a missing key"],
)
def test_a_run_that_cannot_send_anything_is_refused(here: Here, url: str, options: list[str], says: str) -> None:
    """One line, exit 2, and nothing in the store."""
    code, out, err = here("run", *(option.format(url=url) for option in options), "-s", "plain-answer")
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert says in err
    assert here("report")[2].startswith("byok-bench: no result file")


def test_an_endpoint_that_cannot_be_used_is_one_line_and_exit_3(shell: Shell, url: str) -> None:
    """The other is measured, and its tables are there."""
    shell.plan(f'''
[[endpoint]]
label = "keyless"
base_url = "{url}"
models = ["tiny"]
key = "env:UNSET"
[[endpoint]]
label = "open"
base_url = "{url}"
models = ["tiny"]
''')
    code, out, err = shell("run", "plan.toml", "-s", "plain-answer", "--repeats", "2", "--json")
    assert code == 3
    assert [line["endpoint"] for line in json.loads(out)["tables"]["summary"]] == ["open"]
    (line,) = [line for line in err.splitlines() if "keyless" in line]
    assert "UNSET is not set" in line


@pytest.mark.skipif(sys.platform == "win32", reason="starts a job in a shell")
def test_a_background_job_of_a_script_stops_at_sigterm(shell: Shell, slow: str) -> None:
    """SIGINT is ignored there; exit 3, what was measured is kept, and the run can be gone on with."""
    command = [
        sys.executable,
        "-m",
        "byok_bench",
        "run",
        *target(slow),
        "-s",
        "plain-answer",
        "--repeats",
        "60",
    ]
    script = f"{shlex.join(command)} & job=$!; read -r go; kill $job; wait $job; exit $?"
    with subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=shell.environment, cwd=shell.home,
    ) as child:  # fmt: skip
        while stored(shell) < 3 and child.poll() is None:
            time.sleep(0.01)
        out, err = child.communicate("go\n")
    assert (child.returncode, out) == (3, "")
    assert "stopped by SIGTERM" in err
    assert "Go on with: byok-bench run --resume" in err
    early, planned = counted(shell)
    assert early < planned == 60


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_every_encoding_holds_a_table(shell: Shell, url: str, encoding: str) -> None:
    """What it has no character for is replaced; JSON stays JSON."""
    shell.environment["PYTHONIOENCODING"] = encoding
    code, _, err = shell("run", *target(url), "-s", "plain-answer", "--repeats", "2")
    assert (code, "Traceback" in err) == (0, False)
    for command in (["report"], ["compare", "last", "last"], ["checks", "list"], ["endpoints", "presets"]):
        code, out, err = shell(*command)
        assert (code, "Traceback" in err, bool(out)) == (0, False, True)
    shell("endpoints", "add", "Gerät → 東京", "--base-url", url, "--model", "tiny")
    code, out, _ = shell("endpoints", "list", "--json")
    assert json.loads(out)["endpoints"][0]["label"] == "Gerät → 東京"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", [["checks", "list"], ["checks", "list", "--json"], ["endpoints", "presets"]])
def test_a_full_disk_behind_stdout_is_one_line(shell: Shell, command: list[str]) -> None:
    """No traceback, and no second complaint at the end of the process."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "byok_bench", *command], stdout=full, stderr=subprocess.PIPE, text=True,
            env=shell.environment, cwd=shell.home, check=False,
        )  # fmt: skip
    assert ended.returncode == 3
    assert ended.stderr.splitlines() == ["byok-bench: the output cannot be written: No space left on device"]


@pytest.mark.skipif(sys.platform == "win32", reason="closes stdin in a shell")
@pytest.mark.parametrize("option", ["--request", "--jsonl"])
def test_a_closed_stdin_is_one_line(shell: Shell, url: str, option: str) -> None:
    """Nothing is there to be read, and it says so."""
    command = [sys.executable, "-m", "byok_bench", "send", *target(url), option, "-"]
    ended = subprocess.run(
        ["sh", "-c", f"{shlex.join(command)} <&-"], capture_output=True, text=True, env=shell.environment,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == ["byok-bench: there is nothing to read: stdin is closed"]


def its_worker(pid: int) -> int:
    """The first process that a process started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


STOPS: dict[str, tuple[Callable[[int], None], list[str], int, str]] = {
    "Ctrl-C": (lambda pid: os.kill(pid, signal.SIGINT), [], 130, "stopped by Ctrl-C"),
    "SIGTERM": (lambda pid: os.kill(pid, signal.SIGTERM), [], 3, "stopped by SIGTERM"),
    "Ctrl-C, two processes": (
        lambda pid: os.kill(pid, signal.SIGINT), ["--processes", "2"], 130, "stopped by Ctrl-C",
    ),
    "a worker killed": (
        lambda pid: os.kill(its_worker(pid), signal.SIGKILL), ["--processes", "2"], 3, "killed by signal 9",
    ),
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
@pytest.mark.parametrize("how", STOPS)
def test_a_run_that_is_stopped_keeps_what_was_measured_and_says_how_to_go_on(
    how: str, shell: Shell, server_log: Path, url: str
) -> None:
    """One line and an exit code of its own; going on by that line finishes the run."""
    stop, options, exit_code, says = STOPS[how]
    asked_before = len(server_log.read_text().split())
    child = shell.start("run", *target(url), "-s", "plain-answer", "--repeats", "400", "--concurrency", "4", *options)
    assert child.stderr is not None
    started = child.stderr.readline()
    while len(server_log.read_text().split()) < asked_before + 20:
        time.sleep(0.01)
    stop(child.pid)
    out, err = child.communicate()
    assert child.returncode == exit_code
    assert out == ""
    line = err.strip().splitlines()[-1]
    assert says in line
    run_id = started.split()[1].rstrip(":")
    assert line.endswith(f"of 400 samples are kept. Go on with: byok-bench run --resume {run_id}")
    listed = json.loads(shell("report", "--list", "--json")[1])["runs"]
    assert [(entry["run"], entry["status"]) for entry in listed] == [(run_id, "interrupted")]
    assert "sent" not in listed[0]["exchanges"]
    code, out, _ = shell("run", "--resume", run_id, "--json")
    assert code == 0
    document = json.loads(out)
    assert document["run"] == run_id
    assert document["tables"]["latency"][0]["n"] == 400


def test_a_plan_file_is_run_with_options_on_top(shell: Shell, url: str) -> None:
    """Endpoints in the plan, keys by reference, a ladder, and a repeat count from the command line."""
    (shell.home / "plan.toml").write_text(
        f"""
version = 1
scenarios = ["plain-answer"]
repeats = 50
concurrency = [1, 2]
[[endpoint]]
label = "keyed"
base_url = "{url}"
models = ["tiny"]
key = "env:BENCH_KEY"
[[endpoint]]
label = "open"
base_url = "{url}"
models = ["tiny"]
"""
    )
    shell.environment["BENCH_KEY"] = KEY
    code, out, err = shell("run", "plan.toml", "--repeats", "3", "--json")
    assert code == 0, err
    lines = json.loads(out)["tables"]["latency"]
    assert [(line["endpoint"], line["load"], line["n"]) for line in lines] == [
        ("keyed", "1 at once", 3),
        ("keyed", "2 at once", 3),
        ("open", "1 at once", 3),
        ("open", "2 at once", 3),
    ]
    assert KEY not in (shell.home / "bench.sqlite").read_bytes().decode("latin-1")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, url: str) -> Shell:
    """A home with two finished runs of one plan."""
    home = tmp_path_factory.mktemp("measured")
    shell = Shell(home)
    for _ in range(2):
        code, _, err = shell("run", *target(url), "-s", "agent", "--repeats", "3")
        assert code == 0, err
    return shell


def test_a_report_is_written_in_every_form(measured: Shell) -> None:
    """HTML, CSV, Parquet and whole exchanges, and a list of what was written."""
    files = {"--html": "r.html", "--csv": "csv", "--parquet": "parquet", "--jsonl": "all.jsonl"}
    options = [part for pair in files.items() for part in pair]
    code, out, _ = measured("report", *options, "--json")
    assert code == 0
    assert (
        len(json.loads(out)["written"]) == 1 + 2 * (2 + len(TABLES) + 2) + 1 + 1
    )  # of details, two have lines; chunks are Parquet
    assert (measured.home / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    lines = [json.loads(line) for line in (measured.home / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 1 + 6 * 3 + 3
    assert {line["version"] for line in lines} == {1}


def test_a_report_without_files_prints_all_tables(measured: Shell) -> None:
    """On stdout, for the last run if none is named."""
    code, out, _ = measured("report")
    assert code == 0
    for title in ("Latency", "Streaming correctness", "Error handling", "Tool calls", "Summary"):
        assert title in out


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["printed", "JSON"])
@pytest.mark.parametrize("command", ["run", "report"])
def test_tables_are_made_without_what_is_slow_to_import(
    command: str, form: list[str], measured: Shell, shell: Shell, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DataFrames and plots are for notebooks and files: what a command costs is not to be theirs."""
    asking = ["run", *target(url), "-s", "plain-answer", "--repeats", "12", *form]
    chosen, arguments = (shell, asking) if command == "run" else (measured, ["report", *form])
    monkeypatch.setitem(chosen.environment, "PYTHONPROFILEIMPORTTIME", "1")
    code, out, err = chosen(*arguments)
    imported = {line.rpartition("|")[2].strip() for line in err.splitlines() if "import time:" in line}
    assert code == 0
    assert "plain-answer" in out
    assert "byok_bench.report.tables" in imported
    assert not imported & {"pandas", "numpy", "altair", "ipywidgets"}


def test_two_runs_are_compared(measured: Shell) -> None:
    """Pair by pair; the same server twice has nothing to show, or says what it shows."""
    runs: list[dict[str, Any]] = json.loads(measured("report", "--list", "--json")[1])["runs"]
    first, second = (entry["run"] for entry in runs)
    code, out, _ = measured("compare", first, second, "--json")
    document = json.loads(out)
    assert document["version"] == 2
    everything = [line for line in document["differences"] if line["scenario"] == "(all)"]
    assert code == 0
    assert {line["metric"] for line in everything} == {"failures", "ttft_ms", "e2e_ms", "tpot_ms", "itl_ms"}
    assert next(line for line in everything if line["metric"] == "e2e_ms")["pairs"] == 21
    code, out, _ = measured("compare", first, second)
    assert code == 0
    assert "verdict" in out


def test_an_endpoint_beside_resume_that_the_run_does_not_have_is_refused(shell: Shell, url: str) -> None:
    """It would be ignored in silence."""
    assert shell("run", *target(url), "-s", "plain-answer", "--repeats", "1")[0] == 0
    code, _, err = shell("run", "--resume", "last", *DEAD)
    assert code == 2
    assert "has no endpoint '127.0.0.1:9'" in err


FORMS = {
    "table": [],
    "json": ["--json"],
    "html": ["--html", "page.html"],
    "csv": ["--csv", "out"],
    "parquet": ["--parquet", "out"],
    "jsonl": ["--jsonl", "all.jsonl"],
}
"""Ways to look at a run."""


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    """A server that takes its time, so that a run can be met in its middle."""
    command = [sys.executable, "-m", "byok_bench", "serve", "--json", "--ttft-ms", "30", "--tokens", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPO) as child:
        assert child.stdout is not None
        yield str(json.loads(child.stdout.readline())["base_url"])
        child.terminate()


def counted(call: Shell | Here) -> tuple[int, int]:
    """(n, planned) of the one target."""
    code, out, err = call("report", "last", "--json")
    assert code == 0, err
    (line,) = json.loads(out)["tables"]["summary"]
    return line["n"], line["planned"]


def killed_in_the_middle(shell: Shell, url: str) -> None:
    """A run of 24 samples, dead by SIGKILL once some of them are stored."""
    with shell.start("run", *target(url), "-s", "plain-answer", "--repeats", "24") as child:
        while stored(shell) < 3 and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.communicate()


def stored(shell: Shell) -> int:
    """Answers that the result file holds, by its own tables."""
    try:
        with sqlite3.connect(f"file:{shell.home / 'bench.sqlite'}?mode=ro", uri=True) as db:
            return int(db.execute("select count(*) from exchange where status = 'done'").fetchone()[0])
    except sqlite3.Error:
        return 0  # not made yet


@pytest.fixture
def killed(shell: Shell, slow: str, here: Here, monkeypatch: pytest.MonkeyPatch) -> Here:
    """The program at the home of a run that was killed in its middle."""
    killed_in_the_middle(shell, slow)
    monkeypatch.setenv("BYOK_BENCH_HOME", str(shell.home))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(shell.home)
    return here


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("form", FORMS)
def test_a_look_at_a_killed_run_takes_nothing_from_it(killed: Here, form: str) -> None:
    """kill -9, look, resume, look: all samples are in every table, also in the run's own."""
    assert killed("report", "last", *FORMS[form])[0] == 0
    early, planned = counted(killed)
    assert early < planned == 24
    code, out, err = killed("run", "--resume", "last", "--json")
    assert code == 0, err
    assert json.loads(out)["tables"]["summary"][0]["n"] == 24
    assert counted(killed) == (24, 24)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_run_that_is_not_over_says_so_in_every_form(killed: Here, shell: Shell) -> None:
    """`n of planned` stands in the terminal, in the page and in the notes; the other forms have both numbers."""
    early, _ = counted(killed)
    assert killed("report", "last", "--html", "page.html", "--csv", "out")[0] == 0
    _, table, _ = killed("report", "last")
    _, compared, _ = killed("compare", "last", "last")
    page = (shell.home / "page.html").read_text()
    of_planned = f"{early} of 24"
    assert of_planned in table
    assert f"{of_planned} planned exchanges" in table
    assert of_planned in page
    assert f"{of_planned} planned exchanges" in compared
    head, line = (shell.home / "out/latency.csv").read_text().splitlines()
    cells = dict(zip(head.split(","), line.split(","), strict=True))
    assert (cells["n"], cells["planned"]) == (str(early), "24")


def test_a_run_compared_with_itself_is_told_so(shell: Shell, url: str) -> None:
    """Every difference is zero, and that is why."""
    assert shell("run", *target(url), "-s", "plain-answer", "--repeats", "6")[0] == 0
    code, out, _ = shell("compare", "last", "last")
    assert code == 0
    assert "A and B are the same run: it is compared with itself" in out


def test_a_history_is_told_from_the_result_file(shell: Shell, url: str) -> None:
    """Two runs of one plan are two lines; a label that is none is one, with exit code 2."""
    for _ in range(2):
        assert shell("run", *target(url), "-s", "plain-answer", "--repeats", "1", "--new")[0] == 0
    label = json.loads(shell("runs", "list", "--json")[1])["runs"][0]["targets"][0].split(" · ")[0]
    code, out, _ = shell("runs", "history", label, "--json")
    assert (code, len(json.loads(out)["runs"])) == (0, 2)
    code, out, err = shell("runs", "history", "nowhere")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
