"""Notebooks in a real JupyterLab: the matrix opens to the bytes, a plot is drawn, a run is stopped by its button."""

import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.lab import (
    browser_page,
    jupyter_lab,
    keep_screenshot,
    notebook,
    open_notebook,
    restart_kernel,
    run_all,
    save,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
STOP = [
    """
import byok_bench as bb
from byok_bench.backends.simulator.server import Simulator
from byok_bench.ui.run_view import RunView
server = Simulator()
await server.start()
""",
    """
view = RunView()
display(view)
run = await view.wait_for_run(bb.run(server.endpoint, "plain-answer", repeats=5000, on_progress=view.show_event))
print(run.status, run.states["sent"])
await server.stop()
""",
]


async def test_the_first_notebook_ends_with_the_endpoint_to_take(tmp_path: Path) -> None:
    """As someone who opens it and runs all cells: the verdict first, no cell in error, nothing fetched."""
    folder, home = tmp_path / "notebooks", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    shutil.copy(NOTEBOOKS / "00_start_here.ipynb", folder)
    async with browser_page() as (page, away), jupyter_lab(folder, home, BYOK_BENCH_HOME=str(home)) as server:
        await open_notebook(page, server, "00_start_here.ipynb")
        await run_all(page, timeout_s=200)
        await expect(
            page.get_by_text("Take simulator: it is the only one that is usable without reservations.").first
        ).to_be_visible()
        await expect(page.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)
        await keep_screenshot(page, "notebook-00")
        assert away == []


async def test_a_rule_of_the_matrix_opens_to_bytes_and_times_and_stays_when_the_kernel_is_gone(tmp_path: Path) -> None:
    """By a click on its line; the plot below is drawn, and nothing is fetched from anywhere. Saved, with a kernel that
    knows nothing of it, the notebook shows the same.
    """
    folder, home = tmp_path / "notebooks", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    shutil.copy(NOTEBOOKS / "04_streaming.ipynb", folder)
    async with browser_page() as (page, away), jupyter_lab(folder, home, BYOK_BENCH_HOME=str(home)) as server:
        await open_notebook(page, server, "04_streaming.ipynb")
        await run_all(page)
        await look_into(page)
        await save(page)
        await restart_kernel(page)
        await open_notebook(page, server, "04_streaming.ipynb")
        await look_into(page)
        await expect(page.get_by_text("Error displaying widget")).to_have_count(0)
        await page.locator("[data-byok-check='stream.truncated']").first.click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await keep_screenshot(page, "notebook-without-kernel")
        assert away == []


async def look_into(page: Page) -> None:
    """Open a rule, see its evidence and page, and the plot."""
    opened = page.locator("#byok-check-stream-truncated")
    evidence = opened.get_by_text("Bytes from there on", exact=True).first
    await expect(evidence).to_be_hidden()
    await opened.locator("summary").first.click()
    await expect(evidence).to_be_visible()
    await expect(opened.get_by_text("the body ended with choice 0 unfinished").first).to_be_visible()
    await opened.get_by_text("The rule's page, with examples").click()
    await expect(opened.get_by_text("Rule.")).to_be_visible()
    await page.locator(".jp-WindowedPanel-outer").evaluate("panel => panel.scrollTop = panel.scrollHeight")
    await expect(page.get_by_text("One answer over time: long-stream, every repeat").first).to_be_visible()
    await page.locator(".jp-WindowedPanel-outer").evaluate("panel => panel.scrollTop = 0")


async def test_a_run_is_stopped_by_its_button(tmp_path: Path) -> None:
    """While its cell runs; the cell ends with what was measured, and nothing is left in flight."""
    folder, home = tmp_path / "notebooks", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "stop.ipynb").write_text(notebook(STOP))
    async with browser_page() as (page, _), jupyter_lab(folder, home, BYOK_BENCH_HOME=str(home)) as server:
        await open_notebook(page, server, "stop.ipynb")
        await page.get_by_role("menuitem", name="Run", exact=True).click()
        await page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        await expect(page.get_by_text("of 5000 done").first).to_be_visible(timeout=60_000)
        await page.get_by_role("button", name="Stop", exact=True).click()
        await expect(page.get_by_text("interrupted 0", exact=True)).to_be_visible(timeout=30_000)
