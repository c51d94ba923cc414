"""The files of docs/ci.md, as a team would use them: an empty folder, the built wheel, a job's steps in order."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
import yaml
from support.served import Served

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"
KEY = "key-of-the-gateway-0123456789"
JOB = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text())["jobs"]["gate"]
STEPS = [step["run"] for step in JOB["steps"] if "run" in step]
pytestmark = pytest.mark.timeout(240)


def serve(**settings: object) -> Served:
    """The gateway: one model, and a key."""
    return Served(models=["small"], api_key=KEY, **settings)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the built wheel; what it depends on is shared with ours."""
    folder = tmp_path_factory.mktemp("environment")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT], check=True)
    [wheel] = folder.glob("byok_bench-*.whl")
    venv.create(folder / "venv", symlinks=True)
    [packages] = (folder / "venv/lib").glob("python*/site-packages")
    ZipFile(wheel).extractall(packages)  # a wheel of Python alone is installed by that
    # A path file is read in order: the wheel comes before the checkout that ours is.
    shared = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "shared.pth").write_text(f"{shared}\n")
    script = folder / "venv/bin/byok-bench"
    script.write_text(f"#!{folder}/venv/bin/python\nfrom byok_bench.__main__ import main\nmain()\n")
    script.chmod(0o755)
    return folder / "venv/bin"


class Repository:
    """The folder of a team, and a terminal in it."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        for name in ("plan.toml", "gates.toml", "test_gateway.py"):
            shutil.copy(EXAMPLES / name, folder)
        notebook = (ROOT / "notebooks/05_errors.ipynb").read_text()
        assert "MINE = []" in notebook
        (folder / "05_errors.ipynb").write_text(notebook.replace("MINE = []", 'MINE = [\\"Our gateway\\"]'))

    def point_to(self, base_url: str) -> None:
        """The gateway, at an address of this machine."""
        text = (EXAMPLES / "team.toml").read_text()
        (self.folder / "team.toml").write_text(text.replace("https://gateway.example.com/v1", base_url))
        shutil.rmtree(self.folder / "bench", ignore_errors=True)

    def call(self, step: str) -> subprocess.CompletedProcess[str]:
        """One step of the job, as its shell would."""
        program, *words = shlex.split(step)
        start = [str(self._programs / "python"), "-m", "pytest"] if program == "pytest" else [self._programs / program]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
        more = {"BYOK_BENCH_HOME": "bench", "GATEWAY_KEY": KEY, "GITHUB_STEP_SUMMARY": "step.md"}
        return subprocess.run(
            [*start, *words], cwd=self.folder, env=clean | more, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def repository(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """With the baseline of a good day."""
    made = Repository(tmp_path_factory.mktemp("repository"), environment)
    with serve() as base_url:
        made.point_to(base_url)
        assert made.call("byok-bench run plan.toml --new").returncode == 0
        kept = made.call("byok-bench runs baseline last --export baseline.json")
    assert kept.returncode == 0, kept.stderr
    return made


def test_a_good_day_is_green_from_the_first_step_to_the_last(repository: Repository) -> None:
    """Every step of the workflow that is no installation, in order."""
    with serve() as base_url:
        repository.point_to(base_url)
        for step in STEPS[1:]:
            done = repository.call(step)
            assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
    assert "0 failed" in (repository.folder / "step.md").read_text()
    assert ElementTree.parse(repository.folder / "gate.xml").getroot()[0].attrib["failures"] == "0"
    assert "<html" in (repository.folder / "report.html").read_text()


def test_a_bad_day_is_red_in_each_step_that_judges(repository: Repository) -> None:
    """With the rule that was broken; that notebooks are is held in test_notebooks_of_a_team.py."""
    with serve(faults=["tool.arguments-json", "http-500"]) as base_url:
        repository.point_to(base_url)
        done = [repository.call(step) for step in STEPS[1:4]]
    assert [one.returncode for one in done] == [0, 1, 1]
    assert "::error title=everything is answered%3A Our gateway::failures of Our gateway: " in done[1].stdout
    assert "InvalidJson: findings of rule tool.arguments-json of Our gateway: " in done[2].stdout


def test_no_key_is_in_what_a_job_keeps(repository: Repository) -> None:
    """Artefacts are read by more people than secrets are."""
    kept = [path for path in repository.folder.rglob("*") if path.is_file()]
    assert [path.name for path in kept if KEY.encode() in path.read_bytes()] == []


def test_both_jobs_do_the_same() -> None:
    """GitLab's lines are GitHub's, but for what only one of them reads."""
    other = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())["endpoints"]
    lines = [*other["script"], *other["after_script"]]
    assert lines == [step.replace(" --github", "") for step in STEPS]
    assert other["variables"] == {"BYOK_BENCH_HOME": JOB["env"]["BYOK_BENCH_HOME"]}


PLUGIN = """
import pytest

def test_nothing_played(bench): bench.judge("openrouter-tools")

@pytest.mark.byok_bench(scenarios="plain-answer", repeats=2, gate="rare.toml")
def test_undecided(): pass

@pytest.mark.byok_bench(scenarios="plain-answer", repeats=2, gate="rare.toml", undecided="skip")
def test_skipped(): pass

@pytest.mark.byok_bench(scenarios="plain-answer", repeats=2, gate="rare.toml", undecided="pass")
def test_passed(bench): assert bench.run.plan.repeats == 2

@pytest.mark.byok_bench(scenarios="plain-answer", endpoints=["Our gatewy"])
def test_misspelt(): pass

@pytest.mark.byok_bench(scenario="plain-answer")
def test_unknown_argument(): pass

@pytest.mark.byok_bench(scenarios="plain-anser")
def test_unknown_scenario(): pass

async def test_within_a_loop(bench): assert bench.play("plain-answer", 2).status == "finished"
"""
SAID = {
    "test_undecided": ("failed", "undecided: ttft_ms.p99: p99 of TTFT of Our gateway is"),
    "test_skipped": ("skipped", "undecided: ttft_ms.p99"),
    "test_passed": ("passed", ""),
    "test_misspelt": ("failed", "no endpoint is called 'Our gatewy'"),
    "test_unknown_argument": ("failed", "takes scenarios, repeats, endpoints, gate"),
    "test_unknown_scenario": ("failed", "no scenario named 'plain-anser'"),
    "test_nothing_played": ("failed", "nothing was played yet"),
    "test_within_a_loop": ("passed", ""),
}


def test_what_a_marker_asks_for_is_what_a_test_says(environment: Path, tmp_path: Path) -> None:
    """Failed, skipped or passed by its gate; what cannot be played is its failure."""
    (tmp_path / "test_it.py").write_text(PLUGIN)
    (tmp_path / "rare.toml").write_text('version = 1\n[[rule]]\nmetric = "ttft_ms.p99"\nmax = 9000\n')
    made = Repository(tmp_path, environment)
    with serve() as base_url:
        made.point_to(base_url)
        done = made.call("pytest -q -p no:cacheprovider -o asyncio_mode=auto --junit-xml out.xml test_it.py")
    cases = {case.attrib["name"]: case for case in ElementTree.parse(tmp_path / "out.xml").iter("testcase")}
    assert set(cases) == set(SAID), done.stdout + done.stderr
    for name, (verdict, said) in SAID.items():
        inner = "".join(ElementTree.tostring(child, encoding="unicode") for child in cases[name])
        tags = {child.tag for child in cases[name]}
        expected = {"failed": {"failure"}, "skipped": {"skipped"}, "passed": set()}[verdict]
        assert (tags, said in inner) == (expected, True), f"{name}: {inner}"


def test_the_environment_is_an_endpoint_without_a_book(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Address, model and key, from a job's variables."""
    (tmp_path / "test_it.py").write_text(
        'import pytest\n\n@pytest.mark.byok_bench(scenarios="plain-answer", repeats=2)\n'
        'def test_it(bench):\n    assert [one.label for one in bench.run.plan.targets] == ["staging"]\n'
        "    assert {row.kind for row in bench.run.rows} == {None}\n"
    )
    with serve() as base_url:
        for name, value in {"BASE_URL": base_url, "MODEL": "small", "KEY": KEY, "LABEL": "staging"}.items():
            monkeypatch.setenv(f"BYOK_BENCH_{name}", value)
        made = Repository(tmp_path, environment)
        done = made.call("pytest -q -p no:cacheprovider --byok-bench-store kept.sqlite test_it.py")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "kept.sqlite").is_file()


def test_the_plugin_loads_nothing_until_it_is_asked(environment: Path, tmp_path: Path) -> None:
    """Every test session of whoever installed the package would pay for it."""
    (tmp_path / "test_it.py").write_text(
        "import json, sys\n\ndef test_it():\n"
        "    json.dump([name for name in sys.modules if name.startswith('byok_bench.')], open('modules.json', 'w'))\n"
    )
    Repository(tmp_path, environment).call("pytest -q -p no:cacheprovider test_it.py")
    loaded = {name.split(".")[1] for name in json.loads((tmp_path / "modules.json").read_text())}
    assert loaded == {"pytest_plugin", "redact"}
