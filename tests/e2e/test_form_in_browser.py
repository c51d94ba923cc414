"""The endpoint form in a real JupyterLab, in a real browser, by keyboard."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.lab import browser_page, jupyter_lab, notebook, open_notebook, run_all, save

from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.rungs import RUNGS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
KEY = "sk-typed-into-the-form-0123456789"
CELLS = ["from byok_bench.ui.endpoint_form import EndpointForm\nform = EndpointForm()\nform"]


async def tab_to(page: Page, label: str) -> None:
    """Press Tab until the field with this label has the focus."""
    wanted = page.get_by_label(label, exact=True)
    for _ in range(30):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab never reached {label}")


async def press(page: Page, name: str) -> None:
    """Press a button by keyboard."""
    button = page.get_by_role("button", name=name, exact=True)
    await expect(button).to_be_enabled()
    await button.focus()
    await page.keyboard.press("Enter")


async def fill_in(page: Page, base_url: str) -> None:
    """Add an endpoint with the keys of a keyboard and nothing else."""
    await press(page, "Add")
    await expect(page.get_by_label("Label", exact=True)).to_have_value("New endpoint")
    for label, text in (("Label", "By keyboard"), ("Base URL", base_url), ("Model", "simulator-1")):
        await tab_to(page, label)
        await page.keyboard.press("Control+a")
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await tab_to(page, "Key source")
    await page.keyboard.type("This")
    await expect(page.get_by_label("API key", exact=True)).to_be_visible()
    await tab_to(page, "API key")
    await page.keyboard.type(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Kept for this session only")).to_be_visible()


async def test_an_endpoint_is_added_tested_and_found_again(tmp_path: Path) -> None:
    """Added by keyboard alone, tested live, there again after page and kernel restart, its key nowhere on disk."""
    folder, home = tmp_path / "notebooks", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "form.ipynb").write_text(notebook(CELLS))
    book = home / "byok" / "endpoints.toml"
    laboratory = jupyter_lab(folder, home, BYOK_BENCH_HOME=str(book.parent))
    async with Simulator(api_key=KEY) as simulator, browser_page() as (page, away), laboratory as server:
        await open_notebook(page, server, "form.ipynb")
        await run_all(page)
        await fill_in(page, simulator.base_url)
        await expect(page.get_by_text(f"POST {simulator.base_url}/chat/completions")).to_be_visible()
        await press(page, "Test")
        await expect(
            page.locator(f"table[aria-label='Check ladder'] tr:has-text('{RUNGS[-1]}')")
        ).to_contain_text("pass")
        assert await page.get_by_label("API key", exact=True).input_value() == ""
        await save(page)
        assert KEY not in (folder / "form.ipynb").read_text()
        await page.get_by_role("menuitem", name="Kernel", exact=True).click()
        await page.get_by_role("menuitem", name=re.compile(r"^Restart Kernel(…|\.\.\.)")).first.click()
        await page.locator(".jp-Dialog button.jp-mod-accept").click()
        await open_notebook(page, server, "form.ipynb")
        await run_all(page)
        await expect(page.get_by_label("Base URL", exact=True)).to_have_value(simulator.base_url)
        await expect(page.get_by_text("Missing: type the key below")).to_be_visible()
        await save(page)
    assert away == []
    assert book in written(tmp_path)
    assert [str(path) for path in written(tmp_path) if KEY.encode() in path.read_bytes()] == []


def written(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]
