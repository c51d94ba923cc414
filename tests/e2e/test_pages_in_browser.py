"""Pages from disk in a real browser: the report in light, dark, narrow and on paper, and the documentation's site."""

import re
import unicodedata
from collections.abc import AsyncIterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page
from pypdf import PdfReader
from support.broad_run import make_broad_run
from support.lab import browser_page, keep_screenshot, list_violations

from byok_bench.report.html import write_html

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
SITE = Path(__file__).parents[2] / "build" / "site"
WIDE, NARROW = 1280, 400
PAPER_PX = 703
"""A4 between margins of 12 mm."""
SHORTENED = "document.querySelectorAll('.md-content__inner > :nth-child(n+60)').forEach((one) => one.remove())"
"""The reference repeats itself: its beginning shows each kind of element."""
STICKING_OUT = """() => [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(LET))
    .map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 60)}`)"""
"""Elements beyond the right edge, but for those in places that may be scrolled."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened() -> AsyncIterator[tuple[Page, list[str]]]:
    """One browser for all pages, and what they asked for elsewhere."""
    async with browser_page() as found:
        yield found


@pytest.mark.parametrize(("scheme", "width"), [("light", WIDE), ("dark", NARROW)])
async def test_a_report_is_readable_on_every_screen(
    opened: tuple[Page, list[str]], tmp_path: Path, scheme: str, width: int
) -> None:
    """Nothing serious for axe-core, nothing beyond the edge but in a table that scrolls, nothing fetched."""
    page, away = opened
    await page.emulate_media(media="screen", color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 1100})
    await page.goto(write_html(make_broad_run(3), tmp_path / "report.html").as_uri())
    await page.evaluate("document.querySelectorAll('details').forEach((one, n) => { one.open = n % 7 === 0; })")
    assert await list_violations(page) == []
    assert await page.evaluate(STICKING_OUT.replace("LET", "'.scroll'")) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await keep_screenshot(page, f"report-{scheme}-{width}")
    assert away == []


async def test_a_printed_report_loses_nothing(opened: tuple[Page, list[str]], tmp_path: Path) -> None:
    """Every cell, heading, finding and word of a server is on the paper, of what is folded too."""
    page, _ = opened
    report = write_html(make_broad_run(5), tmp_path / "report.html")
    text = report.read_text(encoding="utf-8")
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": PAPER_PX, "height": 1100})
    await page.goto(report.as_uri())
    assert await page.evaluate(STICKING_OUT.replace("LET", "'nothing'")) == []
    await keep_screenshot(page, "report-print")
    await page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    printed = squeeze("".join(one.extract_text() for one in PdfReader(tmp_path / "report.pdf").pages))
    words = Words(text).found
    assert len(words) > 1000
    assert [text for text in words if squeeze(text) not in printed] == []


@pytest.mark.site
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "howto/openrouter", "reference"])
async def test_the_site_is_accessible(opened: tuple[Page, list[str]], name: str, scheme: str) -> None:
    """The first page, a how-to and the reference, with nothing serious for axe-core and nothing fetched."""
    page, away = opened
    await page.emulate_media(media="screen", color_scheme=scheme)
    await page.set_viewport_size({"width": WIDE, "height": 1100})
    await page.goto((SITE / f"{name}.html").as_uri())
    await page.evaluate(SHORTENED)
    assert await list_violations(page) == []
    await keep_screenshot(page, f"site-{scheme}-{name.replace('/', '-')}")
    assert away == []


@pytest.mark.site
async def test_the_site_is_searched_from_disk(opened: tuple[Page, list[str]]) -> None:
    """Without a server and without a worker, which a page on disk may not start."""
    page, away = opened
    await page.goto((SITE / "howto/openrouter.html").as_uri())
    await page.click("[data-md-component=search-query]")
    await page.keyboard.type("retry-after")
    found = page.locator(".md-search-result__item a").first
    await found.wait_for()
    assert "checks/" in str(await found.get_attribute("href"))
    assert away == []


class Words(HTMLParser):
    """The text of each element that has text of its own and is printed."""

    LEFT_OUT = ("style", "title", "svg", "nav")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []
        self.feed(re.sub(r"<(br|meta)\b[^>]*>", " ", page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(tag in self.LEFT_OUT for tag in self._inside):
            self.found.append(data)


def squeeze(text: str) -> str:
    """Without blanks and ligatures: paper wraps lines where it likes."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", unescape(text)))
