"""A real JupyterLab in a real browser: started on a folder of notebooks, driven by what a person sees."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Request, async_playwright

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
START_TIMEOUT_S = 60
SERIOUS = ("serious", "critical")
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def jupyter_lab(folder: Path, home: Path, **environment: str) -> AsyncIterator[str]:
    """A server on `folder`, everything it keeps below `home`; yields its address."""
    port = free_port()
    kept = {
        name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    command = [
        sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--port={port}", "--ip=127.0.0.1", "--allow-root",
        f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
        "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    log = (home / "jupyter.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **kept, **environment},
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await answers(port):
                if process.returncode is not None:
                    raise RuntimeError((home / "jupyter.log").read_text()[-2000:])
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        log.close()


async def answers(port: int) -> bool:
    """Whether something listens."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


@asynccontextmanager
async def browser_page(**options: Any) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page in Debian's chromium, and the addresses it asked for that are not on this machine."""
    async with async_playwright() as playwright:
        executable = shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        page = await browser.new_page(viewport={"width": 1360, "height": 1100}, **options)
        away: list[str] = []

        def note(request: Request) -> None:
            if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "file:")):
                away.append(request.url)

        page.on("request", note)
        try:
            yield page, away
        finally:
            await browser.close()


async def open_notebook(page: Page, server: str, name: str) -> None:
    """Open a notebook and wait for its kernel."""
    await page.goto(f"{server}/lab/tree/{name}?reset")
    await page.wait_for_selector(".jp-Notebook", timeout=60_000)
    # The indicator in the toolbar says idle before there is a kernel; the status bar does not.
    await page.get_by_text(re.compile(r"ipykernel\) \| Idle")).wait_for(timeout=60_000)
    news = page.get_by_role("button", name="No", exact=True)
    if await news.count():
        await news.click()


async def run_all(page: Page, timeout_s: float = 120) -> None:
    """Run > Run All Cells, and wait until every code cell has its number."""
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    await page.wait_for_function(
        """() => {
            const cells = [...document.querySelectorAll('.jp-CodeCell')];
            const prompts = cells.map((cell) => cell.querySelector('.jp-InputPrompt')?.textContent ?? '');
            return cells.length > 0 && prompts.every((text) => /\\[\\d+\\]/.test(text));
        }""",
        timeout=timeout_s * 1000,
    )


async def restart_kernel(page: Page) -> None:
    """By the menu, with the dialog's consent."""
    await page.get_by_role("menuitem", name="Kernel", exact=True).click()
    await page.get_by_role("menuitem", name=re.compile(r"^Restart Kernel(…|\.\.\.)")).first.click()
    await page.locator(".jp-Dialog button.jp-mod-accept").click()


async def list_violations(page: Page, place: str | None = None) -> list[str]:
    """Serious and critical ones of axe-core's rules, each with an element that shows it; of the whole page for None."""
    found = await Axe().run(page, context=place)
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found.response["violations"]
        if one["impact"] in SERIOUS
    ]


async def keep_screenshot(page: Page, name: str) -> None:
    """Keep what the page looks like in build/screenshots, for a person to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png")


def choose_dark_theme(home: Path) -> None:
    """Let the JupyterLab that is started on this home be dark."""
    folder = home / "jupyter_config_dir/lab/user-settings/@jupyterlab/apputils-extension"
    folder.mkdir(parents=True)
    (folder / "themes.jupyterlab-settings").write_text('{"theme": "JupyterLab Dark"}')


async def save(page: Page) -> None:
    """Save the notebook, and wait until it is on disk."""
    await page.keyboard.press("Control+s")
    await page.wait_for_selector(".jp-mod-dirty", state="detached", timeout=20_000)


def notebook(cells: list[str]) -> str:
    """A notebook of code cells as JSON, with the metadata that keeps JupyterLab from asking for a kernel."""
    code = [
        {
            "cell_type": "code",
            "id": f"c{n}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for n, source in enumerate(cells)
    ]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": code, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
