"""For notebooks run as tests: results go to a folder that is gone afterwards."""

import os
import shutil
import tempfile

import pytest

HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Give kernels that this process starts a home of their own."""
    config.stash[HOME] = tempfile.mkdtemp(prefix="byok-bench-tests-")
    os.environ["BYOK_BENCH_HOME"] = config.stash[HOME]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(config.stash[HOME], ignore_errors=True)
