"""Every exception that a caller can cause, as a tree.

    ByokBenchError
    ├── EndpointError      an endpoint or request cannot be used as given; nothing was sent
    │   └── SecretError    a key is malformed, missing at its source, or cannot be stored
    ├── BookError          the file of endpoints is broken, newer than this version, or locked
    ├── ContractError      a custom_model_endpoint document is not one this version accepts
    ├── PlanError          a plan or scenario file is wrong
    ├── StoreError         a result file cannot be opened, or is of another version
    ├── ExportError        a report or an export cannot be written where it was asked for
    ├── BackendError       an embedded backend did not start, or its parts are not installed
    └── MissingPartError   a package of an extra is not installed (extras.py)

What a *server* does is never an exception: it is a `Failure` in the record (wire/failures.py).
No exception holds a key, request, response or client object; library errors are replaced `from None`.

Where the text that failed may be a key, `from None` is not enough: the library's error still hangs on ours as
`__context__`, and its frames hold the text. There the `except` block only notes `problem = …`, and ours is raised
behind it, where nothing is being handled.
"""

from typing import TypeVar

_E = TypeVar("_E", bound="ByokBenchError")


class ByokBenchError(Exception):
    """Base of all: `code` is stable and for programs, `str(error)` is for people and says what to change."""

    def __init__(self, message: str, *, code: str = "error") -> None:
        super().__init__(message)
        self.code = code


def strip_traceback(error: _E) -> _E:
    """`error` without the frames and errors it came through: one of these may hold a key, and tracebacks print locals.

    For the border of a module whose functions handle text that may be anything: `raise strip_traceback(error)` outside
    of the `except` block, in a frame that holds nothing.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


class EndpointError(ByokBenchError):
    """The endpoint cannot be used as configured; nothing was sent."""


class SecretError(EndpointError):
    """A key is malformed, is missing where its reference points, or cannot be stored there."""


class BookError(ByokBenchError):
    """The endpoint book cannot be read or written; the file is as it was."""


class ContractError(ByokBenchError):
    """A `custom_model_endpoint` document is refused; the message names the member."""


class PlanError(ByokBenchError):
    """A plan or a scenario file is wrong; the message names file and field."""


class StoreError(ByokBenchError):
    """A result store cannot be opened or is not ours; nothing in it was changed."""


class ExportError(ByokBenchError):
    """A report or an export cannot be written; nothing was left at its place."""


class BackendError(ByokBenchError):
    """An embedded backend could not be started; the message says what is missing."""


class MissingPartError(ByokBenchError, ImportError):
    """What was asked for needs a package that is not installed; the message is the pip line to type."""
