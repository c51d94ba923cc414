"""`byok-bench gate` and the gates of a plan, over runs that simulators answered: lines, files and exit codes."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.program import Here
from support.served import Served

from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.report.gates.baselines import make_baseline
from byok_bench.report.gates.verdicts import gate
from byok_bench.runs.results import Run, list_runs
from byok_bench.runs.runner import run
from byok_bench.scenarios.scenario import Message, Request, Sample, Scenario


def at(label: str, server: Simulator) -> Endpoint:
    """A simulator under a name."""
    return Endpoint(label=label, base_url=server.base_url, models=[Model("simulator-1")])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one plan against one gateway: a good day, and one on which its streams break a rule."""
    path = tmp_path_factory.mktemp("gate") / "bench.sqlite"

    async def play() -> None:
        for faults in ([], ["finish.value"]):
            async with Simulator(faults=faults, ttft_ms=1, gap_ms=0) as server:
                await run(at("gateway", server), ["plain-answer", "forced-tool"], 6, store=path, resume=False)

    asyncio.run(play())
    return path


@pytest.fixture
def days(store: Path) -> tuple[str, str]:
    """Ids of the good day and the bad one."""
    good, bad = list_runs(store)
    return good.id, bad.id


RULES = """version = 1
[[rule]]
name = "no broken rule"
metric = "findings.severity.error"
max = 0
[[rule]]
metric = "ttft_ms"
max = 10000
"""
UNDECIDED = 'version = 1\n[[rule]]\nmetric = "ttft_ms.p99"\nmax = 10000\n'


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A rules file."""
    path = tmp_path / "gates.toml"
    path.write_text(RULES)
    return path


def test_a_good_day_ends_with_0_and_a_bad_one_with_1(
    here: Here, store: Path, days: tuple[str, str], rules: Path
) -> None:
    """The worst comes first, each in a line."""
    code, out, err = here("gate", days[0], "--rules", rules, "--store", store)
    assert (code, out.count("\n"), err) == (0, 2, "")
    code, out, _ = here("gate", days[1], "--rules", rules, "--store", store)
    assert code == 1
    assert out.startswith("fail       no broken rule: findings of severity error of gateway: 12 in 12 exchanges")


@pytest.mark.parametrize(("more", "code"), [([], 4), (["--undecided", "pass"], 0), (["--undecided", "fail"], 1)])
def test_undecided_ends_with_4_or_as_one_wants(
    here: Here, store: Path, tmp_path: Path, more: list[str], code: int
) -> None:
    """Too few samples are no error and no pass."""
    path = tmp_path / "rare.toml"
    path.write_text(UNDECIDED)
    ended, out, _ = here("gate", "last", "--rules", path, "--store", store, *more)
    assert ended == code
    assert "there is an interval from 368 answers on" in out


def test_everything_that_a_builder_reads_is_written(
    here: Here, store: Path, days: tuple[str, str], rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JUnit, annotations, and the summary where the runner of the job wants it."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    code, out, _ = here(
        "gate", days[1], "--rules", rules, "--store", store, "--github", "--junit", tmp_path / "junit.xml"
    )
    assert code == 1
    assert "::error title=no broken rule%3A gateway::findings of severity error of gateway: 12" in out
    assert 'failures="1"' in (tmp_path / "junit.xml").read_text()
    assert "1 failed, 0 undecided, 1 passed." in (tmp_path / "summary.md").read_text()


def test_json_is_one_document(here: Here, store: Path, days: tuple[str, str], rules: Path) -> None:
    """With the exit code, and each result with its numbers."""
    code, out, _ = here("gate", days[0], "--rules", rules, "--store", store, "--json")
    document = json.loads(out)
    assert (code, document["verdict"], document["exit_code"]) == (0, "pass", 0)
    assert [one["rule"] for one in document["judged"]] == ["no broken rule", "ttft_ms"]
    assert document["judged"][1]["low"] <= document["judged"][1]["value"] <= document["judged"][1]["high"]


def test_a_preset_tells_which_of_its_rules_no_prompt_is_of(here: Here, store: Path) -> None:
    """Short prompts say nothing of long ones."""
    _, out, err = here("gate", "last", "--rules", "tokenhub", "--store", store)
    assert "first token, input below 16 k" in out
    assert "left out, first token, input 16 to 32 k: no exchange with 16384 to 32768 prompt tokens" in err


def test_the_workload_of_a_preset_is_a_scenario_of_its_name(here: Here, tmp_path: Path) -> None:
    """`run --scenario aa-1k` plays what `gate --rules aa-1k` judges: no rule is left out."""
    path = tmp_path / "bench.sqlite"

    async def play() -> None:
        async with Simulator(tokens=40, ttft_ms=5, gap_ms=0.2) as server:
            for _ in range(2):
                await run(at("gateway", server), "aa-1k", 1, warmup=0, store=path, resume=False)

    asyncio.run(play())
    before, after = list_runs(path)
    code, out, err = here("gate", after.id, "--rules", "aa-1k", "--against", before.id, "--store", path)
    assert (code in (0, 1, 4), err) == (True, "")
    assert [name in out for name in ("first token, 1 k in", "speed, 1 k in", "whole answer, 1 k in")] == [True] * 3
    assert "8 pairs" in out


def test_rules_are_explained_without_a_run(here: Here, rules: Path) -> None:
    """What is asked and how it is decided."""
    code, out, _ = here("gate", "--rules", rules, "--explain")
    assert code == 0
    assert "no broken rule: findings of severity error (findings.severity.error) of each endpoint" in out


BASELINE = 'version = 1\n[[rule]]\nmetric = "findings.severity.error"\nagainst = "baseline"\nmargin = 0.5\n'


def test_a_run_is_held_against_a_name_a_file_and_a_run(
    here: Here, store: Path, days: tuple[str, str], tmp_path: Path
) -> None:
    """What broke since is found against each of them."""
    path = tmp_path / "b.toml"
    path.write_text(BASELINE)
    file = tmp_path / "main.json"
    code, _, err = here("runs", "baseline", days[0], "--as", "main", "--export", file, "--store", store)
    assert code == 0
    assert err.count("written: ") == 2
    assert here("runs", "baseline", "--list")[1] == "main\n"
    for against in ("main", file, days[0]):
        code, out, _ = here("gate", days[1], "--rules", path, "--store", store, "--against", against)
        assert code == 4, out  # two prompts tell little, however often they were asked
        assert "of severity error of gateway" in out


WRONG = {
    "no rules": (["gate", "last"], "name the rules: --rules FILE"),
    "no such file": (["gate", "last", "--rules", "tokenhb"], "did you mean the preset 'tokenhub'?"),
    "no such run": (["gate", "2001", "--rules", "openrouter-tools"], "2001"),
    "no such baseline": (["gate", "last", "--rules", "aa-1k", "--against", "mian"], "no baseline is called 'mian'"),
    "a baseline without a name": (["runs", "baseline", "last"], "--as NAME, or a file with --export FILE.json"),
    "a baseline that is no JSON": (["runs", "baseline", "last", "--export", "b.txt"], "--export writes a .json file"),
    "explained and judged": (["gate", "--rules", "aa-1k", "--explain", "--github"], "exclude each other"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    here: Here, store: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """With what to do instead."""
    monkeypatch.setenv("BYOK_BENCH_HOME", str(store.parent))
    arguments, said = WRONG[case]
    code, _, err = here(*arguments)
    assert (code, err.count("\n")) == (2, 1), err
    assert said in err


PLAN = """version = 1
scenarios = ["plain-answer"]
repeats = 2
warmup = 0
[[endpoint]]
label = "gateway"
base_url = "{url}"
models = ["simulator-1"]
"""
GATES: dict[str, tuple[str, int, str]] = {
    "rules in the plan": ('[[gates.rule]]\nmetric = "failures"\nmax = 0\n', 0, "pass       failures: "),
    "a broken one": ('[[gates.rule]]\nmetric = "events"\nmax = 1\n', 4, "undecided  events: "),
    "counted otherwise": (
        '[gates]\nundecided = "fail"\n[[gates.rule]]\nmetric = "events"\nmax = 1\n', 1, "[counts as fail]",
    ),
    "a file beside it": ('[gates]\nrules = "gates.toml"\n', 4, "pass       no broken rule: "),
    "a typo": ('[[gates.rule]]\nmetrik = "failures"\n', 2, "plan.toml, line 10: [[rule]] has no field 'metrik'"),
    "a typo of the table": ('[gates]\nrulez = "x"\n', 2, "[gates] of a plan has no field 'rulez'; did you mean"),
    "no rules": ('[gates]\nundecided = "pass"\n', 2, "gates name no rules"),
    "no baseline": ('[gates]\nrules = "aa-1k"\nagainst = "mian"\n', 2, "no baseline is called 'mian'"),
    "a baseline that is not named": ('[gates]\nrules = "aa-1k"\n', 2, "needs a baseline: name one with against"),
}  # fmt: skip


@pytest.fixture(scope="module")
def server_url() -> Any:
    """A good simulator in a thread of its own."""
    with Served() as base_url:
        yield base_url


@pytest.mark.parametrize("case", GATES)
def test_a_plan_ends_as_its_gates_say(here: Here, server_url: str, tmp_path: Path, case: str) -> None:
    """Rules are read before anything is sent, and judged after the last answer."""
    gates, code, said = GATES[case]
    (tmp_path / "gates.toml").write_text(RULES)
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.format(url=server_url) + gates)
    ended, out, err = here("run", plan)
    assert ended == code, err
    assert said in (err if code == 2 else out)
    assert code != 2 or not (tmp_path / "byok-home/bench.sqlite").exists()


def test_a_baseline_of_another_plan_is_refused_before_anything_is_sent(
    here: Here, store: Path, days: tuple[str, str], tmp_path: Path
) -> None:
    """Nothing answers at that address, and nothing has to."""
    file, rules, plan = tmp_path / "main.json", tmp_path / "rules.toml", tmp_path / "plan.toml"
    rules.write_text(BASELINE)
    here("runs", "baseline", days[0], "--export", file, "--store", store)
    plan.write_text(PLAN.format(url="http://127.0.0.1:9/v1") + '[gates]\nrules = "rules.toml"\nagainst = "main.json"\n')
    until = ("--until-decided", rules, "--against", file, "--scenario", "plain-answer")
    for how in ((plan,), ("--base-url", "http://127.0.0.1:9/v1", "--model", "m", *until)):
        code, _, err = here("run", *how)
        assert (code, "scenario forced-tool is in the baseline alone" in err) == (2, True), err


def test_gates_of_a_plan_stand_in_its_json(here: Here, server_url: str, tmp_path: Path) -> None:
    """Beside the tables, and their lines beside the document."""
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.format(url=server_url) + GATES["rules in the plan"][0])
    code, out, err = here("run", plan, "--json")
    assert json.loads(out)["gates"]["verdict"] == "pass"
    assert "pass       failures: " in err
    assert code == 0


QUICK = {"ttft_ms": 1.0, "gap_ms": 0, "tokens": 2}
SPEEDS = {"base": 25.0, "same": 25.0, "slower": 30.0}
"""Label → ms until the first token."""
FAILING = {"base": 0.0, "same": 0.0, "10 points worse": 0.1, "6 points worse": 0.06}
"""Label → share of requests that are answered with 500."""


async def play(servers: dict[str, Simulator], prompts: int, repeats: int, at_once: int, store: Path) -> Run:
    """One run over all servers in turn: what slows the machine down hits all of them alike."""
    samples = [Sample(name=f"s{n}", messages=(Message(role="user", content=f"Say {n}."),)) for n in range(prompts)]
    request = Request(max_tokens=4, stream=at_once == 1)
    scenario = Scenario(version=1, name="many", title="Many", request=request, samples=tuple(samples))
    async with AsyncExitStack() as stack:
        endpoints = [at(label, await stack.enter_async_context(server)) for label, server in servers.items()]
        return await run(endpoints, scenario, repeats, at_once, store)


def judge_beside_base(made: Run, metric: str) -> dict[str, str]:
    """Verdict on each endpoint of a run, with the one that is called base for its baseline."""
    baseline, found = make_baseline(made), {}
    base = [one for one in baseline.observations if one.endpoint == "base"]
    for label in [target.label for target in made.plan.targets][1:]:
        renamed = tuple(msgspec.structs.replace(one, endpoint=label) for one in base)
        rule = {"metric": metric, "against": "baseline", "where": {"endpoint": label}}
        beside = msgspec.structs.replace(baseline, observations=renamed)
        found[label] = gate(made, {"version": 1, "rule": [rule]}, beside)[0].verdict
    return found


async def test_a_server_that_got_slower_by_a_fifth_fails_and_an_identical_one_passes(tmp_path: Path) -> None:
    """Over sockets, at a size that decides."""
    servers = {label: Simulator(**QUICK | {"ttft_ms": ms}) for label, ms in SPEEDS.items()}  # type: ignore[arg-type]
    made = await play(servers, 10, 3, 1, tmp_path / "bench.sqlite")
    assert judge_beside_base(made, "ttft_ms") == {"same": "pass", "slower": "fail"}


async def test_servers_that_answer_less_fail_and_an_identical_one_passes(tmp_path: Path) -> None:
    """Over sockets; that nothing differs is shown from 125 prompts on: 0 of 125 leaves 3 points open."""
    servers = {
        label: Simulator(**QUICK, faults=["http-500"] if share else [], probability=share or 1.0, seed=1)  # type: ignore[arg-type]
        for label, share in FAILING.items()
    }
    made = await play(servers, 130, 3, 16, tmp_path / "bench.sqlite")
    assert judge_beside_base(made, "outcome.ok") == {
        "same": "pass",
        "10 points worse": "fail",
        "6 points worse": "fail",
    }
