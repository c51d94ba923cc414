"""What every command shares: where text goes, how JSON is written, which exit code means what.

Text for people goes to stderr, documents (JSON, tables asked for) to stdout, so that pipes stay clean.
"""

import getpass
import json
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn

import typer


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FELL_SHORT = 1
    """Done, and something the user asked to be judged fell short."""
    USAGE = 2
    """Wrong usage or configuration; nothing was sent."""
    UNFINISHED = 3
    """Could not finish; what was measured is kept."""
    INTERRUPTED = 130


def emit_json(document: Any) -> None:
    """Write one JSON document and a line end to stdout."""
    import msgspec

    try:
        text = msgspec.json.encode(document, enc_hook=_to_plain).decode()
    except UnicodeEncodeError:  # half a surrogate pair, sent or received, has a form as an escape alone
        text = json.dumps(msgspec.to_builtins(document, enc_hook=_to_plain))
    typer.echo(text)


def note(text: str) -> None:
    """One line for the person at the terminal, on stderr."""
    typer.echo(text, err=True)


def counted(number: int, thing: str) -> str:
    """`1 sample`, `2 samples`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def fail(text: str, code: Exit = Exit.USAGE) -> NoReturn:
    """One line that says what was wrong and what to change, then exit."""
    typer.echo(f"byok-bench: {text}", err=True)
    raise typer.Exit(int(code))


class _Stop:
    """What stopped the command, if it was stopped."""

    by = "Ctrl-C"
    code = Exit.INTERRUPTED


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM stops what runs inside the way Ctrl-C does: KeyboardInterrupt, which `stopped` tells from one."""

    def terminated(*_: object) -> None:
        _Stop.by, _Stop.code = "SIGTERM", Exit.UNFINISHED
        signal.raise_signal(signal.SIGINT)  # a running loop cancels its work, other code is interrupted

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _Stop.by, _Stop.code = "Ctrl-C", Exit.INTERRUPTED


def stopped(kept: str = "") -> NoReturn:
    """For a KeyboardInterrupt inside `stoppable`: one line, and 130 for Ctrl-C or 3 for SIGTERM."""
    fail(f"stopped by {_Stop.by}{kept}", _Stop.code)


def agreed(question: str, otherwise: str) -> bool:
    """Ask yes or no on stderr. Ctrl-C exits with 130; without anybody to ask, `otherwise` says what to do instead."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        _nobody_answered(otherwise)


def ask_hidden(what: str, otherwise: str) -> str:
    """Ask for a text without echo; where that cannot be had, nothing is asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return str(typer.prompt(what, hide_input=True, err=True))
        except (typer.Abort, getpass.GetPassWarning):
            _nobody_answered(otherwise)


def _nobody_answered(otherwise: str) -> NoReturn:
    note("")
    if sys.stdin.isatty():
        fail("stopped by Ctrl-C", Exit.INTERRUPTED)
    fail(f"there is nobody to ask: {otherwise}")


def _to_plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
