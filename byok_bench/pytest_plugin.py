"""The pytest plugin `byok_bench`: a user's own tests play scenarios against their endpoints.

    @pytest.mark.byok_bench(scenarios=["agent"], repeats=10, endpoints=["Our gateway"], gate="gates.toml")
    def test_our_gateway(bench):
        assert bench.run.table("errors") is not None

What the marker names is played before the test's own lines, and a gate that falls short fails it with the gate's
sentences. Endpoints are those of the book, or the one that BYOK_BENCH_BASE_URL and its neighbours describe. Nothing of
the package is imported before a test asks for it. How to use it: docs/ci.md.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.report.gates.judged_rules import Judged
    from byok_bench.runs.results import Run

MARKER: Final = "byok_bench"
ARGUMENTS: Final = ("scenarios", "repeats", "endpoints", "gate", "against", "undecided", "concurrency")
UNDECIDED: Final = ("fail", "pass", "skip")
ENVIRONMENT: Final = "BYOK_BENCH_"
"""BASE_URL, MODEL, KEY, SCHEMA and LABEL of an endpoint, behind this."""


class Bench:
    """What a session of tests plays with: one result file, and each question asked once."""

    def __init__(self, store: Path) -> None:
        self.store = store
        """The result file; `byok-bench report --store` reads it."""
        self.run: Run | None = None
        """What was played last."""
        self._played: dict[str, Run] = {}

    def play(
        self,
        scenarios: str | Sequence[str] = "agent",
        repeats: int = 5,
        endpoints: str | Sequence[str] = (),
        concurrency: int = 1,
    ) -> "Run":
        """A run over these endpoints, by label; the same question is not asked twice in a session.

        Raises what `bb.run` raises, and BookError with the nearest label for one that is not in the book.
        """
        from byok_bench.runs.runner import run

        question = repr((scenarios, repeats, endpoints, concurrency))
        if question not in self._played:
            labels = [endpoints] if isinstance(endpoints, str) else list(endpoints)
            chosen = find_endpoints(labels)
            work = run(chosen, scenarios, repeats, concurrency, self.store, resume=False)
            with ThreadPoolExecutor(1) as beside:  # a test may have a loop of its own
                self._played[question] = beside.submit(asyncio.run, work).result()
        self.run = self._played[question]
        return self.run

    def judge(
        self, rules: Any, against: Any = None, undecided: str = "fail", run: "Run | None" = None
    ) -> "list[Judged]":
        """Fail the test with a sentence for each rule that falls short of `rules`; else the results.

        `undecided` says what becomes of rules that cannot be decided: fail, pass or skip.
        """
        from byok_bench.report.gates.verdicts import gate

        if undecided not in UNDECIDED:
            pytest.fail(f"undecided is {undecided!r}: {', '.join(UNDECIDED)}", pytrace=False)
        judged_run = run or self.run
        if judged_run is None:
            pytest.fail("nothing was played yet: bench.play(…) comes first", pytrace=False)
        judged = gate(judged_run, rules, against)
        short = [one for one in judged if one.counts_as == "fail"]
        unclear = [one for one in judged if one.counts_as == "undecided" and undecided != "pass"]
        told = "\n".join(f"{one.verdict}: {one.rule}: {one.sentence}" for one in (*short, *unclear))
        if short or (unclear and undecided == "fail"):
            pytest.fail(told, pytrace=False)
        if unclear:
            pytest.skip(told)
        return judged


BENCH: Final = pytest.StashKey[Bench]()
FOLDER: Final = pytest.StashKey["TemporaryDirectory[str]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where results go."""
    group = parser.getgroup("byok-bench")
    group.addoption("--byok-bench-store", metavar="FILE", help="result file; without it, one that is gone afterwards")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", f"{MARKER}({', '.join(f'{name}=…' for name in ARGUMENTS)}): play and judge")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Play and judge what the marker of a test asks for, before its own lines: what falls short is its failure."""
    marker = item.get_closest_marker(MARKER)
    if marker is not None:
        play_marked(item, marker)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no folder behind that nobody named."""
    folder = config.stash.get(FOLDER, None)
    if folder is not None:
        folder.cleanup()


def play_marked(item: pytest.Item, marker: pytest.Mark) -> None:
    """Play what a marker asks for, and judge it if it names a gate."""
    unknown = [name for name in marker.kwargs if name not in ARGUMENTS]
    if marker.args or unknown:
        pytest.fail(f"the marker {MARKER} takes {', '.join(ARGUMENTS)}, by name, not {unknown}", pytrace=False)
    asked = dict(marker.kwargs)
    rules, against = (find_beside(item, asked.pop(name, None)) for name in ("gate", "against"))
    undecided = asked.pop("undecided", "fail")
    bench = find_bench(item.config)
    from byok_bench.errors import ByokBenchError

    problem = ""
    try:
        run = bench.play(**asked)
        if rules is not None:
            bench.judge(rules, against, undecided, run)
    except ByokBenchError as error:
        problem = str(error)
    if problem:
        pytest.fail(f"byok-bench: {problem}", pytrace=False)


def find_beside(item: pytest.Item, named: Any) -> Any:
    """A file beside the test where it names one; what it says else."""
    beside = item.path.parent / named if isinstance(named, str) else None
    return beside if beside is not None and beside.is_file() else named


def find_bench(config: pytest.Config) -> Bench:
    """The bench of the session, made when it is first asked for."""
    if BENCH not in config.stash:
        given = config.getoption("byok_bench_store", None)
        if given is None:
            config.stash[FOLDER] = TemporaryDirectory(prefix="byok-bench-")
            given = f"{config.stash[FOLDER].name}/bench.sqlite"
        config.stash[BENCH] = Bench(Path(given).absolute())
    return config.stash[BENCH]


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Bench:
    """Plays scenarios against endpoints and judges what came of it; one result file a session."""
    return find_bench(request.config)


def find_endpoints(labels: Sequence[str]) -> "list[Endpoint]":
    """Endpoints of the book by label, or the environment's; without labels that one, else the whole book.

    Raises BookError for a label that is not there, PlanError if there is none at all.
    """
    from byok_bench.endpoints.book import EndpointBook
    from byok_bench.errors import PlanError

    of_environment = read_environment_endpoint()
    if of_environment is not None and list(labels) in ([], [of_environment.label]):
        return [of_environment]
    book = EndpointBook.open()
    chosen = book.choose(labels) if labels else list(book)
    if not chosen:
        raise PlanError(
            f"there is no endpoint: set {ENVIRONMENT}BASE_URL and {ENVIRONMENT}MODEL, or byok-bench endpoints add",
            code="no_endpoint",
        )
    return chosen


def read_environment_endpoint() -> "Endpoint | None":
    """The endpoint that the environment describes; None if it has no BYOK_BENCH_BASE_URL."""
    given = {name: os.environ.get(f"{ENVIRONMENT}{name}") for name in ("BASE_URL", "MODEL", "KEY", "SCHEMA", "LABEL")}
    if not given["BASE_URL"]:
        return None
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.keys import KeyRef
    from byok_bench.endpoints.model import Model

    return Endpoint(
        label=given["LABEL"] or "environment",
        base_url=given["BASE_URL"],
        models=[Model(given["MODEL"])] if given["MODEL"] else [],
        schema=given["SCHEMA"] or "chat",  # type: ignore[arg-type]
        key=KeyRef.env(f"{ENVIRONMENT}KEY") if given["KEY"] else KeyRef.none(),
    )
