"""What a person does with the timeline in a browser."""

import re

from playwright.async_api import Locator, Page, expect


class Race:
    """The first timeline of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.whole = page.locator(".byok-race").first
        self.lanes = self.whole.locator("canvas.byok-race-lanes")
        self.status = self.whole.get_by_role("status").and_(page.locator(".byok-race-status"))

    def button(self, name: str) -> Locator:
        return self.whole.get_by_role("button", name=name)

    async def drag(self, left: float, right: float) -> None:
        """Along the first row, from one share of its width to another."""
        box = await self.lanes.bounding_box()
        assert box is not None
        await self.page.mouse.move(box["x"] + left * box["width"], box["y"] + 8)
        await self.page.mouse.down()
        await self.page.mouse.move(box["x"] + right * box["width"], box["y"] + 8, steps=4)
        await self.page.mouse.up()

    async def choose_prompt_with_findings(self) -> None:
        """The first of which one can go from finding to finding."""
        for title in await self.whole.get_by_label("Prompt").locator("option").all_text_contents():
            await self.whole.get_by_label("Prompt").select_option(title)
            await expect(self.whole.locator(".byok-race-about")).to_contain_text(f"{title}: ")
            if await self.button("Finding ›").is_enabled():
                return
        raise AssertionError("no prompt has a finding")

    async def play(self) -> None:
        """To its end; who came in first is said."""
        await self.whole.get_by_label("Speed").select_option("4×")
        await self.button("Race").first.click()
        await expect(self.status).to_have_text(re.compile("^Over. First to the end: "))
