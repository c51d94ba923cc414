"""What tests of whole commands share."""

import pytest
from support.program import Here, make_program


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """The program without a process of its own."""
    return make_program(monkeypatch, capfd)
