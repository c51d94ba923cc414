"""The benchmark of the timeline has something to draw."""

import pytest

from benchmarks import ui


def test_the_page_gets_a_lane_for_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here of two answers of five packets; what is drawn is read from records as a run's are."""
    monkeypatch.setattr(ui, "STREAMS", 2)
    monkeypatch.setattr(ui, "ENDPOINTS", 2)
    monkeypatch.setattr(ui, "CHUNKS", 5)
    assert len(ui.make_state()["lanes"]) == 2
