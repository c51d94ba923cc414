"""`make bench-ui`: how long a frame of the timeline takes in a browser without a graphics card.

    python -m benchmarks.ui [--write]

The ES module of `bb.Timeline` runs in a page of headless Chromium on columns of 64 answers of 2 000 packets, made from
records as a run's are. The model of the page stands in for JupyterLab's: the module, what it draws and the bytes that
it reads are the same. Each frame the view is panned by one key; measured is what the page's own frame callbacks take,
and how far frames lie apart. `--write` puts the table into docs/benchmarks.md.
"""

import argparse
import asyncio
import base64
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

from playwright.async_api import Page, async_playwright

from benchmarks import page as benchmarks_page
from benchmarks.measure import machine
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.planning.plan import PlanSettings, make_plan
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.runs.storage.run_rows import StoredRun
from byok_bench.scenarios.selection import find_scenarios
from byok_bench.ui.timeline import COLUMNS, HERE, Timeline, load_front_end
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawHead, RawRequest

STREAMS: Final = 64
CHUNKS: Final = 2_000
FRAMES: Final = 200
LIMIT_MS: Final = 33.0
ENDPOINTS: Final = 16
MS: Final = 1_000_000
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
SIZES: Final = {"900 px": (900, 1), "1 600 px": (1600, 1), "900 px, two device pixels each": (900, 2)}
"""Name → width of the page, device pixels to one of the page."""
VIEWS: Final = {"all of it": "", "an eighth of it": "++++++"}
"""What is in view → keys pressed before."""

MOUNT: Final = """
async ([module, state, columns]) => {
    const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    for (const name of columns) state[name] = new DataView(decode(state[name]).buffer);
    const model = { get: (name) => state[name], set() {}, save_changes() {}, send() {}, on() {}, off() {} };
    const address = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
    (await import(address)).default.render({ model, el: document.querySelector("main") });
}
"""
PAN: Final = """
async (frames) => {
    const canvas = document.querySelector("canvas.byok-race-lanes");
    const ask = window.requestAnimationFrame.bind(window);
    const spent = [], apart = [];
    window.requestAnimationFrame = (act) => ask((now) => {
        const begun = performance.now();
        act(now);
        canvas.getContext("2d").getImageData(0, 0, 1, 1);  // what was drawn is there
        spent.push(performance.now() - begun);
    });
    let before = null;
    for (let frame = 0; frame < frames; frame++) {
        const key = frame % 20 < 10 ? "ArrowRight" : "ArrowLeft";
        canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        const now = await new Promise(ask);
        if (before !== null) apart.push(now - before);
        before = now;
    }
    window.requestAnimationFrame = ask;
    return [spent, apart];
}
"""


class RecordedRun(Run):
    """64 answers of 2 000 packets, without a result file."""

    def __init__(self) -> None:
        super().__init__(
            Path("nowhere.sqlite"),
            StoredRun(
                id="bench",
                created="2026-01-02T03:04:05+00:00",
                plan_hash="",
                status="finished",
                reason="",
                finished=None,
            ),
        )
        endpoints = [
            Endpoint(label=f"endpoint {at}", base_url=f"http://127.0.0.1:{9000 + at}/v1", models=[Model("m")])
            for at in range(ENDPOINTS)
        ]
        self.plan = make_plan(endpoints, find_scenarios("long-stream"), PlanSettings(repeats=STREAMS // ENDPOINTS))
        sample = self.plan.scenarios[0].samples[0].name
        self._made = [
            Row(
                exchange_id=at,
                target=at % ENDPOINTS,
                stage=0,
                scenario="long-stream",
                sample=sample,
                repeat=1 + at // ENDPOINTS,
                turn=1,
                status="done",
                outcome="ok",
                streamed=True,
                chunks=CHUNKS,
                deltas=CHUNKS,
            )
            for at in range(STREAMS)
        ]

    @property
    def rows(self) -> list[Row]:
        return self._made

    def _read_rows(self, only: range | None) -> Iterator[Row]:
        yield from self._made

    def has_many(self, count: int) -> bool:
        return len(self._made) >= count

    def find_exchange(self, exchange_id: int) -> Exchange:
        """A stream whose packets come at random times, as they do on a real network."""
        chance = random.Random(exchange_id)
        stamp = 300 * MS
        chunks = []
        for number in range(CHUNKS):
            stamp += int(chance.expovariate(1 / 10) * MS)
            chunks.append((stamp, make_event(number)))
        chunks.append((stamp, b"data: [DONE]\n\n"))
        request = RawRequest(
            id=f"id-{exchange_id}", method="POST", url="http://127.0.0.1:1", headers=(), body=b'{"stream": true}'
        )
        raw = RawExchange(
            request=request,
            phases=Phases(start=0, written=0, head=0, first_byte=chunks[0][0], done=stamp, end=stamp),
            head=RawHead(status=200, http="1.1", headers=(("content-type", "text/event-stream"),)),
            chunks=chunks,
            end="done",
            clock="kernel",
        )
        return Exchange(raw, label="E", base_url="http://127.0.0.1:1/v1", model="m")


def make_event(number: int) -> bytes:
    """One delta: some thinking, then text."""
    member = "reasoning_content" if number < CHUNKS // 5 else "content"
    choice = {"index": 0, "delta": {member: f"word {number} "}, "finish_reason": None}
    payload = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def make_state() -> dict[str, Any]:
    """What the widget would send to a front end; columns as base64."""
    made = Timeline(RecordedRun())
    names = ("hues", "words", "token", "prompts", "prompt", "about", "lanes", "shown", "flags", "summary", "revision")
    state = {name: getattr(made, name) for name in names}
    return state | {name: base64.b64encode(getattr(made, name)).decode() for name in COLUMNS}


async def measure_page(page: Page, state: dict[str, Any], keys: str) -> dict[str, float]:
    """Median and p95 of one way to look at it, ms."""
    await page.set_content(f"<style>{(HERE / 'timeline.css').read_text()}</style><main></main>")
    await page.evaluate(MOUNT, [load_front_end(), state, list(COLUMNS)])
    await page.locator("canvas.byok-race-lanes").focus()
    for key in keys:
        await page.keyboard.press(key)
    spent, apart = await page.evaluate(PAN, FRAMES)
    return {
        "draw": median(spent),
        "draw_p95": sorted(spent)[int(0.95 * len(spent))],
        "frame": median(apart),
    }


async def measure() -> dict[str, dict[str, float]]:
    state, found = make_state(), {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for size, (width, ratio) in SIZES.items():
            page = await browser.new_page(viewport={"width": width, "height": 1100}, device_scale_factor=ratio)
            for view, keys in VIEWS.items():
                found[f"{size}, {view}"] = await measure_page(page, state, keys)
            await page.close()
        await browser.close()
    return found


def render(found: dict[str, dict[str, float]]) -> str:
    lines = [
        f"Measured on {machine()}; {STREAMS} answers of {CHUNKS} packets, {FRAMES} frames each.\n",
        "| width, in view | draw, median ms | draw, p95 ms | frame to frame, median ms | ≤ 33 ms |",
        "|---|---|---|---|---|",
    ]
    for name, one in found.items():
        met = "met" if one["draw"] <= LIMIT_MS else "**not met**"
        lines.append(f"| {name} | {one['draw']:.1f} | {one['draw_p95']:.1f} | {one['frame']:.1f} | {met} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    text = render(asyncio.run(measure()))
    print(text)
    if given.write:
        benchmarks_page.write("ui", text)


if __name__ == "__main__":
    main()
