"""The team's own tests of its endpoint: `pytest test_gateway.py`."""

import pytest

pytestmark = pytest.mark.byok_bench(scenarios=["forced-tool"], repeats=6, endpoints=["Our gateway"])


@pytest.mark.byok_bench(
    scenarios=["forced-tool"],
    repeats=6,
    endpoints=["Our gateway"],
    gate={"version": 1, "presets": "openrouter-tools"},
)
def test_no_tool_call_is_invalid():
    """What is said is what the gate says: one sentence for each rule that falls short."""


def test_every_sample_calls_its_tool(bench):
    """The run is there to be looked at; the same question is asked once in a session."""
    over = [row for row in bench.run.rows if row.outcome is not None and not row.is_warmup]
    assert [row.why for row in over if row.outcome != "ok"] == []


def test_a_run_of_ones_own(bench):
    """What no marker says: other settings, rules at hand."""
    run = bench.play("plain-answer", repeats=6, endpoints="Our gateway")
    bench.judge({"version": 1, "rule": [{"metric": "e2e_ms", "max": 60_000}]})
    assert run.status == "finished"
