"""What every command shares: where text goes, how JSON is written, which exit code means what.

Text for people goes to stderr, documents (JSON, tables asked for) to stdout, so that pipes stay clean.
"""

import asyncio
import getpass
import json
import shlex
import signal
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

import typer

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop] | None


class Exit(IntEnum):
    """Exit codes of every command; MEANINGS says each in words."""

    OK = 0
    FELL_SHORT = 1
    USAGE = 2
    UNFINISHED = 3
    UNDECIDED = 4
    INTERRUPTED = 130


MEANINGS: Final = {
    Exit.OK: "done, and good",
    Exit.FELL_SHORT: "done, and something that was to be judged fell short (`check`, `judge`, `gate`)",
    Exit.USAGE: "wrong usage or configuration; nothing was sent",
    Exit.UNFINISHED: "could not finish: a backend is down, nothing answered, SIGTERM; what was measured is kept",
    Exit.UNDECIDED: "too few samples to judge (`gate`, `vendor`)",
    Exit.INTERRUPTED: "stopped by Ctrl-C; what was measured is kept",
}
"""Exit code → what it means."""


def emit_json(document: Any) -> None:
    """Write one JSON document and a line end to stdout."""
    import msgspec

    try:
        text = msgspec.json.encode(document, enc_hook=_to_plain).decode()
    except UnicodeEncodeError:  # half a surrogate pair, sent or received, has a form as an escape alone
        text = json.dumps(msgspec.to_builtins(document, enc_hook=_to_plain))
    if not _can_show(text):
        text = json.dumps(json.loads(text))
    typer.echo(text)


def _can_show(text: str) -> bool:
    """Whether stdout's encoding holds every character: one that is replaced would be another document."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def note(text: str) -> None:
    """One line for the person at the terminal, on stderr."""
    typer.echo(text, err=True)


def fail(text: str, code: Exit = Exit.USAGE) -> NoReturn:
    """One line that says what was wrong and what to change, then exit."""
    typer.echo(f"byok-bench: {text}", err=True)
    raise typer.Exit(int(code))


class _Stop:
    """What stopped the command, if it was stopped, and how work that is under way is told."""

    def __init__(self) -> None:
        self.by = "Ctrl-C"
        self.code = Exit.INTERRUPTED
        self.cancel: Callable[[], object] | None = None


_stop: ContextVar[_Stop] = ContextVar("_stop")
"""Of the command that runs: made by `handle_sigterm`."""


def _find_stop() -> _Stop:
    return _stop.get(None) or _Stop()


@contextmanager
def handle_sigterm() -> Iterator[None]:
    """SIGTERM stops what runs inside the way Ctrl-C does: KeyboardInterrupt, which `exit_stopped` tells from one.

    It does not go by way of SIGINT: that is ignored in a background job of a script.
    """

    stop = _Stop()

    def terminated(*_: object) -> None:
        stop.by, stop.code = "SIGTERM", Exit.UNFINISHED
        cancel, stop.cancel = stop.cancel, None
        if cancel is None:
            raise KeyboardInterrupt
        cancel()

    token = _stop.set(stop)
    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _stop.reset(token)


def run_async(
    work: Coroutine[Any, Any, T],
    loop_factory: LoopFactory = None,
    finish: Callable[[], bool] | None = None,
    tell: Callable[[str], None] = note,
) -> T:
    """`asyncio.run` for a command: Ctrl-C and SIGTERM cancel the work, which puts away what it holds.

    `finish`: lets what is in flight finish, if there is something; then Ctrl-C cancels at the second time only, and
    `tell` says so.
    """

    stop = _find_stop()

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancel = task.cancel

        def interrupt() -> None:
            if finish is not None and finish():
                tell("byok-bench: nothing new is sent; what is in flight finishes. Ctrl-C again stops it, too")
            else:
                signal.signal(signal.SIGINT, signal.default_int_handler)  # once more, and nothing is put away
                cancel()

        stop.cancel = partial(loop.call_soon_threadsafe, cancel)
        try:
            with _handle_ctrl_c(partial(loop.call_soon_threadsafe, interrupt)):
                return await work
        finally:
            stop.cancel = None

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        try:
            return runner.run(cancellable())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


@contextmanager
def _handle_ctrl_c(interrupt: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C calls this on the way; where it is ignored, as in a background job of a script, it stays so."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: interrupt())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def exit_stopped(kept: str = "") -> NoReturn:
    """For a KeyboardInterrupt inside `handle_sigterm`: one line, and 130 for Ctrl-C or 3 for SIGTERM."""
    stop = _find_stop()
    fail(f"stopped by {stop.by}{kept}", stop.code)


def build_own_command(option: str = "", value: str = "") -> str:
    """The command line that this process was started with, to be pasted; one option of it set to another value."""
    from byok_bench.redact import redact

    given = sys.argv[1:]
    if option in given:
        at = given.index(option)
        given = [*given[:at], *given[at + 2 :]]
    given = [one for one in given if not option or not one.startswith(f"{option}=")]
    return redact(shlex.join(["byok-bench", *given, *([option, value] if option else [])]))


def ask_yes_or_no(question: str, otherwise: str) -> bool:
    """Ask yes or no on stderr. Ctrl-C exits with 130; without anybody to ask, `otherwise` says what to do instead."""
    if sys.stdin is None:
        _fail_unanswered(otherwise)
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        _fail_unanswered(otherwise)


def ask_hidden(what: str, otherwise: str) -> str:
    """Ask for a text without echo; where that cannot be had, nothing is asked."""
    if sys.stdin is None:
        _fail_unanswered(otherwise)
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return str(typer.prompt(what, hide_input=True, err=True))
        except (typer.Abort, getpass.GetPassWarning):
            _fail_unanswered(otherwise)


def _fail_unanswered(otherwise: str) -> NoReturn:
    note("")
    if sys.stdin is not None and sys.stdin.isatty():
        fail("stopped by Ctrl-C", Exit.INTERRUPTED)
    fail(f"there is nobody to ask: {otherwise}")


def _to_plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
