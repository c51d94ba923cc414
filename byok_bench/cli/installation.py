"""What is installed here: the lines of `--version`, which a report of a fault needs."""

import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from typing import Final

from byok_bench.endpoints.book import BOOK_NAME, locate_home
from byok_bench.runs.storage.result_path import locate_store

EXTRAS: Final = {"report": "pandas", "lab": "jupyterlab", "local": "xllamacpp", "dask": "distributed"}
"""Extra → a package that only it brings."""


def describe_installation() -> dict[str, str]:
    """Name → value: versions, the event loop, extras, and where files live."""
    installed = [extra for extra, package in EXTRAS.items() if find_spec(package)]
    return {
        "byok-bench": metadata.version("byok-bench"),
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "uvloop": "yes" if find_spec("uvloop") else "no",
        "extras": ", ".join(installed) or "none",
        "endpoints": str(locate_home() / BOOK_NAME),
        "results": str(locate_store(None)),
    }
