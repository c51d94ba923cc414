"""The workbench in a real JupyterLab, in a real browser: by keyboard alone, stopped and gone on with, to the byte."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from support.lab import (
    browser_page,
    choose_dark_theme,
    jupyter_lab,
    keep_screenshot,
    list_violations,
    notebook,
    open_notebook,
    run_all,
    save,
)
from support.race import Race

from byok_bench.backends.simulator.server import Simulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
HEADLESS = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
EMPTY = ['import byok_bench as bb\nbench = bb.Workbench(scenarios=["plain-answer", "forced-tool"])\nbench']
FILLED = [
    """
import byok_bench as bb
faults = ["stream.truncated", "error.in-stream", "http-429"]
bench = bb.Workbench(scenarios=["plain-answer", "forced-tool", "tool-round-trip", "unknown-model"])
await bench.start([bb.Simulator(), bb.Simulator(label="faulty simulator", faults=faults, every=2)])
bench
""",
    """
run = await bench.play()
for face in (bench.findings, bench.errors, bench.timeline):
    face.layout.display = None
""",
    "bb.Results(run)",
    "bb.Findings(run)",
]
SLOW = [
    """
import byok_bench as bb
bench = bb.Workbench(scenarios=["long-stream"], repeats=40)
await bench.start([bb.Simulator(ttft_ms=400)])
bench
"""
]
MOST_PRESSES = 40


class Keys:
    """The keyboard, which counts: a key is a press, a typed value is none."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.presses = 0

    async def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            await self.page.keyboard.press(key)
            self.presses += 1

    async def type(self, text: str) -> None:
        await self.page.keyboard.type(text)

    async def tab_to(self, wanted: Locator) -> None:
        for _ in range(MOST_PRESSES):
            if await wanted.count() and await wanted.evaluate("element => element === document.activeElement"):
                return
            await self.press("Tab")
        raise AssertionError(f"Tab never reached {wanted}")


def laboratory(tmp_path: Path, cells: list[str]) -> tuple[Path, Path]:
    folder, home = tmp_path / "notebooks", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "bench.ipynb").write_text(notebook(cells))
    return folder, home


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def test_from_an_empty_book_to_the_first_failing_byte_by_keyboard(tmp_path: Path) -> None:
    """Add, test, run, open: at most forty presses beside what is typed."""
    folder, home = laboratory(tmp_path, EMPTY)
    running = jupyter_lab(folder, home, BYOK_BENCH_HOME=str(home / "byok"), **HEADLESS)
    async with Simulator(faults=["finish.value"]) as server, browser_page() as (page, away), running as lab:
        await open_notebook(page, lab, "bench.ipynb")
        await run_all(page)
        keys = Keys(page)
        await page.get_by_label("Endpoints", exact=True).focus()
        await keys.tab_to(button(page, "Add"))
        await keys.press("Enter")
        await expect(page.get_by_label("Label", exact=True)).to_be_focused()
        await keys.type("Mine")
        await keys.tab_to(page.get_by_label("Base URL", exact=True))
        await keys.type(server.base_url)
        await keys.tab_to(page.get_by_label("Model", exact=True))
        await keys.type("simulator-1")
        await keys.tab_to(button(page, "Test"))
        await expect(button(page, "Test")).to_be_enabled()
        await keys.press("Enter")
        await expect(page.get_by_text(re.compile("✔ ready: "))).to_be_visible(timeout=30_000)
        await expect(page.get_by_role("checkbox", name=re.compile("^Mine"))).to_be_checked()
        await keys.press("Control+Enter")
        await expect(page.get_by_text(re.compile(r"^finished: \d+ of \d+ done"))).to_be_visible(timeout=60_000)
        await keys.tab_to(page.locator(".byok-board button[tabindex='0']"))
        drawer = page.get_by_role("dialog")
        await keys.press("Enter")
        await expect(drawer).to_be_visible()
        await expect(drawer).to_contain_text("finish.value")
        await keys.tab_to(drawer.get_by_role("button", name="Show bytes").first)
        await keys.press("Enter")
        await expect(drawer.locator(".byok-piece[data-broken=yes]").first).to_be_focused()
        assert keys.presses <= MOST_PRESSES
        await keys.press("Escape")
        await expect(page.locator(".byok-board button[tabindex='0']")).to_be_focused()
    assert away == []


async def test_a_run_is_stopped_and_gone_on_with_after_a_reload(tmp_path: Path) -> None:
    """Stop keeps the servers and what was measured; the page may be loaded anew; Resume ends the same run."""
    folder, home = laboratory(tmp_path, SLOW)
    running = jupyter_lab(folder, home, BYOK_BENCH_HOME=str(home / "byok"), **HEADLESS)
    async with browser_page() as (page, away), running as lab:
        await open_notebook(page, lab, "bench.ipynb")
        await run_all(page)
        await button(page, "Run").click()
        await expect(page.locator(".byok-square[data-mark=g]").nth(2)).to_be_visible(timeout=60_000)
        await button(page, "Stop").click()
        await expect(page.get_by_text(re.compile("^interrupted"))).to_be_visible(timeout=30_000)
        measured = await page.locator(".byok-board-table .byok-square[data-mark=g]").count()
        await save(page)
        await page.reload()
        await expect(page.get_by_text(re.compile("^interrupted"))).to_be_visible(timeout=60_000)
        assert await page.locator(".byok-board-table .byok-square[data-mark=g]").count() == measured < 40
        await button(page, "Resume").click()
        await expect(page.get_by_text(re.compile("^finished: 40 of 40 done, 0 failed"))).to_be_visible(timeout=90_000)
        await expect(button(page, "4 more repeats")).to_be_visible()
    assert away == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_part_is_accessible_and_opens_to_the_byte(tmp_path: Path, theme: str) -> None:
    """No serious violation of axe-core's rules in form, panel, board, drawer, and in tables and pivots as plain HTML;
    a number of such an output opens its answers at the byte.
    """
    folder, home = laboratory(tmp_path, FILLED)
    if theme == "dark":
        choose_dark_theme(home)
    running = jupyter_lab(folder, home, BYOK_BENCH_HOME=str(home / "byok"), **HEADLESS)
    async with browser_page() as (page, away), running as lab:
        await open_notebook(page, lab, "bench.ipynb")
        await run_all(page)
        await expect(page.get_by_text(re.compile("^finished"))).to_be_visible()
        for place in (".byok-form", ".byok-board", ".byok-panel", ".byok-race"):
            await page.locator(place).first.scroll_into_view_if_needed()
            await keep_screenshot(page, f"workbench-{theme}{place}")
            assert await list_violations(page, place) == []
        for summary in await page.get_by_text("All columns", exact=True).all():
            await summary.click()
        assert await list_violations(page, ".jp-RenderedHTMLCommon") == []
        await keep_screenshot(page, f"tables-{theme}")
        drawer = page.get_by_role("dialog")
        if theme == "light":
            await sort_table(page)
            await race(Race(page), drawer)
            await save_report(page)
        await page.locator(".byok-square[data-mark=x]").first.click()
        for name in ("What happened", "Timeline", "Bytes", "Request", "Conversation"):
            await drawer.get_by_role("tab", name=name).click()
            assert await list_violations(page, ".byok-drawer") == []
            await keep_screenshot(page, f"drawer-{theme}-{name.lower()}")
        await page.keyboard.press("Escape")
        await expect(drawer).to_be_hidden()
        number = page.locator("[data-byok-check='stream.truncated']").last
        await number.focus()
        await page.keyboard.press("Enter")
        await expect(drawer.locator(".byok-piece[data-broken=yes] mark").first).to_be_visible()
        await page.set_viewport_size({"width": 900, "height": 1100})
        await keep_screenshot(page, f"drawer-{theme}-900")
        assert away == []


async def sort_table(page: Page) -> None:
    """A head once the smallest first, again the largest; NA is last both times."""
    table = page.locator("table", has=page.get_by_role("button", name="TTFT ms", exact=True)).last
    head = table.get_by_role("button", name="TTFT ms", exact=True)
    at = await table.get_by_role("columnheader").all_inner_texts()
    column = table.locator(f"tbody td:nth-child({at.index('TTFT ms') + 1})")
    await head.click()
    up = [text for text in await column.all_inner_texts() if text != "NA"]
    assert up == sorted(up, key=float)
    await head.press("Enter")
    down = await column.all_inner_texts()
    assert [text for text in down if text != "NA"] == sorted(up, key=float, reverse=True)
    assert down == sorted(down, key="NA".__eq__)


async def race(timeline: Race, drawer: Locator) -> None:
    """Findings by key, numbers by a drag, the bytes by a click, and a race to its end."""
    await timeline.choose_prompt_with_findings()
    await timeline.lanes.focus()
    await timeline.page.keyboard.press("j")
    await expect(timeline.status).to_contain_text("Finding 1 of ")
    await timeline.page.keyboard.press("k")
    await expect(timeline.status).to_contain_text(re.compile(r"Finding (\d+) of \1:"))
    await timeline.drag(0.1, 0.95)
    measured = timeline.whole.get_by_role("region", name="Statistics of the selection")
    await expect(measured.get_by_role("rowheader")).to_have_text("simulator, repeat 1")
    await timeline.lanes.click(position={"x": 60, "y": 8})
    await expect(drawer.locator(".byok-piece:focus")).to_be_visible()
    await timeline.page.keyboard.press("Escape")
    await expect(timeline.lanes).to_be_focused()
    await timeline.play()


async def save_report(page: Page) -> None:
    """Beside the notebook, where its link leads."""
    await button(page, "Save report").click()
    link = page.get_by_role("link", name="Open report.html")
    await expect(link).to_be_visible(timeout=30_000)
    answer = await page.request.get(await link.get_attribute("href") or "")
    assert (await answer.text()).startswith("<!doctype html>")
