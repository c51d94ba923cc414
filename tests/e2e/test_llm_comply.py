"""The public suite llm-comply, which holds servers to the published descriptions of three APIs, passes against the
simulator: the package `llm-comply`, in an environment of its own (`make comply`)."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from byok_bench.backends.simulator.server import Simulator

pytestmark = [pytest.mark.comply, pytest.mark.timeout(120)]
PROGRAM = Path(__file__).parents[2] / ".venv-comply" / "bin" / "llm-comply"
SUITES = {"openai-chat": ("gpt-5", 9), "open-responses": ("gpt-5", 13), "anthropic": ("claude-sonnet-4", 9)}
"""Format → the model family that its suite asks to reason (it goes by the name and skips other models), and how many
cases it has."""


async def judged(server: Simulator, form: str) -> list[dict[str, Any]]:
    """What the suite says about each of its cases."""
    family, _ = SUITES[form]
    arguments = ["--base-url", server.base_url, "--api-key", "none", "--model", f"{family}-simulated"]
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *arguments, "--format", form, "--timeout", "20", "--json", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    results: list[dict[str, Any]] = json.loads(out)["results"]
    return results


@pytest.mark.parametrize("form", SUITES)
async def test_the_simulator_complies(form: str) -> None:
    """Every case passes, and none is skipped."""
    async with Simulator(any_model=True, ttft_ms=0, gap_ms=0) as server:
        results = await judged(server, form)
    assert [one for one in results if one["status"] != "passed"] == []
    assert len(results) == SUITES[form][1]


async def test_thoughts_have_the_event_name_of_openai_and_not_of_open_responses() -> None:
    """All that the suite says against a stream with reasoning: openai.types has response.reasoning_text.delta, Open
    Responses has response.reasoning.delta for the same thing, and a server can use one name only."""
    async with Simulator(any_model=True, reasoning=True, ttft_ms=0, gap_ms=0) as server:
        results = await judged(server, "open-responses")
    said = {error for one in results if one["status"] != "passed" for error in one["errors"]}
    names = ("response.reasoning_text.delta", "response.reasoning_text.done")
    assert said == {f"unknown SSE event type: {name}" for name in names}


async def test_the_suite_notices_a_fault() -> None:
    """A finish_reason that no one knows fails its cases: the suite can fail."""
    async with Simulator(any_model=True, faults=["finish.value"], ttft_ms=0, gap_ms=0) as server:
        results = await judged(server, "openai-chat")
    assert "failed" in {one["status"] for one in results}
