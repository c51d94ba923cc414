"""`make limits`: maps of five simulators with known limits, found over sockets, all at the same time.

Their minute is ten seconds. Each line is what is held and what was found; the figures stand in docs/limits.md.
"""

import asyncio
from typing import Any, Final

from byok_bench.backends.simulator.server import Simulator
from byok_bench.runs.limits.limits_map import LimitsMap
from byok_bench.runs.limits.search import find_limits

MINUTE_S: Final = 10.0
SET_UPS: Final[tuple[dict[str, Any], ...]] = (
    {"concurrency": 6},
    {"requests": 40},
    {"requests": 40, "style": "bucket", "headers": "none"},
    {"tokens": 4000, "requests": 60, "retry_after": "short"},
    {"concurrency": 5, "tokens": 4000, "retry_after": "long", "headers": "wrong"},
)


async def find_map(limits: dict[str, Any]) -> LimitsMap:
    """The map of one."""
    async with Simulator(ttft_ms=150, gap_ms=2, limits={**limits, "window_s": MINUTE_S}) as server:
        return await find_limits(server.endpoint, max_requests=600, window_s=MINUTE_S, large_tokens=400, widest=8)


async def find_maps() -> list[LimitsMap]:
    """All of them."""
    return await asyncio.gather(*(find_map(limits) for limits in SET_UPS))


def main() -> None:
    """Print each set-up and its map."""
    for limits, found in zip(SET_UPS, asyncio.run(find_maps()), strict=True):
        held = ", ".join(f"{name} {value}" for name, value in limits.items())
        print(f"{held}: {found.spending}, {found.seconds:.0f} s")
        for line in found.list_lines():
            print(f"  {line}")


if __name__ == "__main__":
    main()
