"""The endpoint form in a real JupyterLab, in a real browser, by keyboard."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from support.lab import browser_page, jupyter_lab, notebook, open_notebook, restart_kernel, run_all, save

from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.ladder.report import RUNGS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
KEY = "sk-typed-into-the-form-0123456789"
CELLS = ["from byok_bench.ui.endpoint_form import EndpointForm\nform = EndpointForm()\nform"]
HEADLESS = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


async def tab_to(page: Page, wanted: Locator, *, backwards: bool = False) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(60):
        if await wanted.count() and await wanted.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Shift+Tab" if backwards else "Tab")
    raise AssertionError(f"Tab never reached {wanted}")


def field(page: Page, label: str) -> Locator:
    return page.get_by_label(label, exact=True)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def press(page: Page, name: str, *, backwards: bool = False) -> None:
    """Go to a button and press it."""
    await expect(button(page, name)).to_be_enabled()
    await tab_to(page, button(page, name), backwards=backwards)
    await page.keyboard.press("Enter")


async def type_into(page: Page, label: str, text: str, *, backwards: bool = False) -> None:
    """Go to a field, write over what it holds, and press Enter."""
    await tab_to(page, field(page, label), backwards=backwards)
    await page.keyboard.press("Control+a")
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")


def rung(page: Page, name: str) -> Locator:
    rows = page.locator("table[aria-label='Check ladder'] tr")
    return rows.filter(has=page.get_by_role("cell", name=name, exact=True))


def laboratory(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with the notebook, and a home."""
    folder, home = tmp_path / "notebooks", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "form.ipynb").write_text(notebook(CELLS))
    return folder, home


async def test_an_endpoint_is_added_tested_and_found_again(tmp_path: Path) -> None:
    """Added by keyboard alone, tested live, there again after page and kernel restart, its key nowhere on disk."""
    folder, home = laboratory(tmp_path)
    book = home / "byok" / "endpoints.toml"
    running = jupyter_lab(folder, home, BYOK_BENCH_HOME=str(book.parent), **HEADLESS)
    async with Simulator(api_key=KEY) as simulator, browser_page() as (page, away), running as server:
        await open_notebook(page, server, "form.ipynb")
        await run_all(page)
        await press(page, "Add")
        await expect(field(page, "Label")).to_have_value("New endpoint")
        await expect(field(page, "Label")).to_be_focused()
        await page.keyboard.type("Gi")
        await page.keyboard.press("Escape")
        await expect(field(page, "Label")).to_have_value("New endpoint")
        await type_into(page, "Label", "By keyboard")
        await tab_to(page, field(page, "Base URL"))
        await page.keyboard.type(simulator.base_url)
        # Before Enter, while typing: the exact URL.
        await expect(page.get_by_text(f"POST {simulator.base_url}/chat/completions")).to_be_visible()
        await page.keyboard.press("Enter")
        await type_into(page, "Model", "simulator-1")
        await type_into(page, "API key", KEY)
        await expect(page.get_by_text("Kept for this session only")).to_be_visible()
        assert await field(page, "API key").input_value() == ""
        await press(page, "Test")
        await expect(page.get_by_text(re.compile(r"✔ ready: \d+ ms to first token, tools ok"))).to_be_visible()
        await expect(button(page, "Test")).to_be_focused()
        await page.get_by_text("Rung by rung").click()
        await expect(rung(page, RUNGS[-1])).to_contain_text("pass")
        await save(page)
        assert KEY not in (folder / "form.ipynb").read_text()
        await restart_kernel(page)
        await open_notebook(page, server, "form.ipynb")
        await run_all(page)
        await expect(field(page, "Base URL")).to_have_value(simulator.base_url)
        await expect(field(page, "Label")).to_have_value("By keyboard")
        await expect(page.get_by_text("It was kept for one session only")).to_be_visible()
        await save(page)
    assert away == []
    assert book in written(tmp_path)
    assert [str(path) for path in written(tmp_path) if KEY.encode() in path.read_bytes()] == []


async def test_mistakes_are_answered_where_they_are_made(tmp_path: Path) -> None:
    """Refused texts stay, a key in a wrong field goes, a replaced or moved key is asked for, deleting asks."""
    folder, home = laboratory(tmp_path)
    running = jupyter_lab(folder, home, BYOK_BENCH_HOME=str(home / "byok"), **HEADLESS)
    async with Simulator(api_key=KEY) as simulator, browser_page() as (page, away), running as server:
        await open_notebook(page, server, "form.ipynb")
        await run_all(page)
        await button(page, "Add").click()
        await type_into(page, "Base URL", "llm.example.com/v1")
        await expect(page.get_by_text("Put https:// in front").first).to_be_visible()
        await type_into(page, "Model", "simu\u200blator-1")
        await expect(page.get_by_text("invisible character (U+200B)")).to_be_visible()
        await type_into(page, "Base URL", simulator.base_url, backwards=True)
        assert await field(page, "Model").input_value() == "simu\u200blator-1"
        await type_into(page, "Model", "simulator-1")
        await button(page, "List models").click()
        await expect(page.get_by_text("No list: Incorrect API key provided")).to_be_visible()
        await button(page, "Test").click()
        await expect(rung(page, "chat")).to_contain_text("No key was sent")
        await type_into(page, "Alias", KEY)
        await expect(field(page, "Alias")).to_have_value("")
        await type_into(page, "API key", KEY)
        await expect(field(page, "API key")).to_have_attribute("placeholder", "Stored; a new one replaces it")
        await type_into(page, "API key", KEY)
        await button(page, "List models").click()
        await expect(page.get_by_text("One model is listed")).to_be_visible()
        await expect(page.get_by_role("checkbox", name="simulator-1")).to_be_checked()
        assert await page.locator("datalist option[value='simulator-1']").count() == 1
        await type_into(page, "Base URL", "https://elsewhere.example/v1", backwards=True)
        await expect(button(page, "Test")).to_be_disabled()
        await button(page, "The key may go to this address").click()
        await expect(button(page, "Test")).to_be_enabled()
        await press(page, "Advanced")
        await expect(field(page, "Extra headers")).to_be_visible()
        await expect(button(page, "Advanced")).to_be_focused()
        await button(page, "Delete").click()
        await expect(button(page, "Keep it")).to_be_focused()
        await button(page, "Keep it").click()
        await expect(field(page, "Label")).to_have_value("New endpoint")
        await button(page, "Delete").click()
        await button(page, "Yes, delete it and its stored key").click()
        await expect(field(page, "Label")).to_have_value("")
        await expect(button(page, "Undo: bring New endpoint back")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(field(page, "Label")).to_have_value("New endpoint")
        await save(page)
    assert away == []
    assert [str(path) for path in written(tmp_path) if KEY.encode() in path.read_bytes()] == []


def written(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]
