"""attach(): back to a run after a kernel, or whatever drove it, went away.

A run whose process is gone is gone on with; one that a living process drives is looked at and never started twice. A
key that was kept for one session only is asked for again.
"""

import asyncio
import getpass
import importlib
import os
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, Final

import msgspec

from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import PlanError, SecretError
from byok_bench.extras import name_missing_extra
from byok_bench.runs.measuring.process import is_in_notebook
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.planning.plan import make_jobs
from byok_bench.runs.play_settings import PlaySettings
from byok_bench.runs.progress import Listener, RunFinished, RunStarted, warn_in_log
from byok_bench.runs.results import Run, judge_run, list_runs
from byok_bench.runs.resumption import list_waiting_endpoints
from byok_bench.runs.run_start import is_driven_here
from byok_bench.runs.runner import resume
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.owner import is_alive, name_this_process, read_pid
from byok_bench.runs.storage.result_file import open_reader

LOOK_S: Final = 0.3
"""How often a run that another process drives is looked at."""
_VIEW: Final = "byok_bench.ui.attachment_view"
KeyAsker = Callable[[Endpoint], Awaitable[str]]


def attach(
    run: str | None = None,
    store: str | os.PathLike[str] | None = None,
    *,
    endpoints: Sequence[Endpoint] = (),
) -> Any:
    """Go on with a run whose process is gone, or look at one that another process drives.

    In a notebook it is a widget with the live board, and with a field for each key that was kept for one session only;
    it goes on at once. `run = await bb.attach()` waits for the end, in scripts too, where a terminal is asked for keys.

    * `run`: an id, the start of one, or a note; None: the newest run that is not finished.
    * `store`: the result file; None: the default one.
    * `endpoints`: in place of the stored ones, by label; else those of the book, else as the run stored them.

    Raises StoreError for no such run, PlanError if none is unfinished. Awaited, it raises as `bb.run` does, and
    SecretError (code `key_missing`) for a session's key that nobody can be asked for.
    """
    attachment = Attachment(find_attachable(run, store), endpoints)
    if not is_in_notebook():
        return attachment
    with name_missing_extra():
        return importlib.import_module(_VIEW).AttachmentView(attachment)


def find_attachable(wanted: str | None, store: str | os.PathLike[str] | None) -> Run:
    """The run that was asked for, else the newest that is not finished. Raises StoreError or PlanError."""
    if wanted is not None:
        return Run.open(wanted, store)
    unfinished = [one for one in list_runs(store) if one.status != "finished"]
    if not unfinished:
        raise PlanError("every run of this file is finished: there is none to go on with", code="nothing_to_attach")
    return unfinished[-1]


class Attachment:
    """What `attach` found. `await attachment` is the run at its end."""

    def __init__(self, run: Run, endpoints: Sequence[Endpoint] = ()) -> None:
        self.run = run
        self.driver = find_driver(run)
        """Process id of whoever drives the run; empty if that process is gone."""
        self._given = {one.label: one for one in endpoints}

    def __await__(self) -> Generator[Any, None, Run]:
        return self.go_on(warn_in_log, ask_terminal).__await__()

    def __repr__(self) -> str:
        return f"Attachment({self.describe()!r})"

    def describe(self) -> str:
        """What is done with the run, in a sentence."""
        if self.run.status == "finished":
            return f"Run {self.run.id} is finished."
        if self.driver:
            return f"Process {self.driver} drives run {self.run.id}: it is looked at, and not started again."
        return f"Going on with run {self.run.id}, whose process is gone."

    async def go_on(self, listener: Listener, ask: KeyAsker, stop: StopSwitch | None = None) -> Run:
        """The run to its end: played by us, or by the process that drives it."""
        if self.run.status == "finished":
            return await judge_run(self.run)
        if self.driver:
            return await self._look_on(listener)
        await _wait_until(lambda: not _has_living_owners(self.run))  # what the process had started is just ending
        endpoints = [await self._complete(one, ask) for one in await asyncio.to_thread(self._list_endpoints)]
        return await resume(self.run.id, self.run.path, listener, endpoints=endpoints, means=PlaySettings(stop=stop))

    async def _look_on(self, listener: Listener) -> Run:
        """Until the process that drives it is through, or gone."""
        plan, states = self.run.plan, self.run.states
        samples, done = states.total() - states["left_out"], states["done"] + states["failed"]
        listener(
            RunStarted(
                run_id=self.run.id,
                store=str(self.run.path),
                samples=samples,
                stored=done,
                maybe_billed=0,
                targets=tuple(target.name for target in plan.targets),
                scenarios=tuple(scenario.name for scenario in plan.scenarios),
                began=self.run.created,
            )
        )
        await _wait_until(lambda: not find_driver(self.run))
        now = Run.open(self.run.id, self.run.path)
        counts = now.states
        ended = "interrupted" if now.status == "running" else now.status
        note = "its process is gone" if now.status == "running" else now.reason
        done = counts["done"] + counts["failed"]
        listener(RunFinished(run_id=now.id, status=ended, done=done, samples=samples, note=note))
        return await judge_run(now)

    def _list_endpoints(self) -> list[Endpoint]:
        """Those that have something left to do, as they are now; the others as they were are nobody's."""
        plan = self.run.plan
        with open_reader(self.run.path) as db:
            states = {state.key: state for state in ledger.list_states(db, self.run.id)}
        booked = {one.label: one for one in EndpointBook.open().usable_endpoints}
        waiting = [plan.endpoints[index] for index in sorted(list_waiting_endpoints(plan, make_jobs(plan), states))]
        return [self._given.get(one.label) or booked.get(one.label) or one for one in waiting]

    async def _complete(self, endpoint: Endpoint, ask: KeyAsker) -> Endpoint:
        """The endpoint with its key, which a session took with it."""
        if not is_key_gone(endpoint):
            return endpoint
        return msgspec.structs.replace(endpoint, key=KeyRef.session(await ask(endpoint)))


def is_key_gone(endpoint: Endpoint) -> bool:
    """Whether its key was kept for one session only, and that is over."""
    return endpoint.key.kind == "session" and not endpoint.key.is_set


async def ask_terminal(endpoint: Endpoint) -> str:
    """The key, typed without echo. Raises SecretError where there is no terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise SecretError(
            f"the key of endpoint {endpoint.label!r} was kept for one session only, and there is nobody to ask for it: "
            "call bb.attach() in a notebook or a terminal, or give it endpoints=[…] that have their keys",
            code="key_missing",
        )
    return await asyncio.to_thread(getpass.getpass, f"The {endpoint.describe_key()}: ")


def find_driver(run: Run) -> str:
    """Process id of whoever drives a run; empty if nobody does."""
    with open_reader(run.path) as db:
        row = run_rows.find_run(db, run.id)
    owner = row.owner or ""
    # After a full disk the file may say of this process that it drives a run, when it gave up long ago.
    drives = is_driven_here(run.id) if owner == name_this_process() else is_alive(owner)
    return str(read_pid(owner)) if row.status == "running" and drives else ""


def _has_living_owners(run: Run) -> bool:
    with open_reader(run.path) as db:
        owners = ledger.list_sending_owners(db, run.id)
    return any(is_alive(owner) for owner in owners if owner != name_this_process())


async def _wait_until(is_over: Callable[[], bool]) -> None:
    while True:
        if is_over():
            return
        await asyncio.sleep(LOOK_S)
