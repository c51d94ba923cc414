"""Which extra brings a package that the core does without, and one clear line where it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from byok_bench.errors import MissingPartError

EXTRAS: Final = {
    "altair": "report",
    "numpy": "report",
    "pandas": "report",
    "pyarrow": "report",
    "vl_convert": "report",
    "anywidget": "lab",
    "ipywidgets": "lab",
    "itables": "lab",
    "jupyterlab": "lab",
    "xllamacpp": "local",
    "distributed": "dask",
    "google": "otel",
    "opentelemetry": "otel",
}
"""Importable name → the extra that installs it."""


@contextmanager
def name_missing_extra() -> Iterator[None]:
    """What needs a package of an extra runs inside; raises MissingPartError, with the pip line, where it is missing."""
    missing = None
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
    if missing is not None:
        raise MissingPartError(
            f"{missing} is not installed: pip install 'byok-bench[{EXTRAS[missing]}]'", code="missing_part"
        )
