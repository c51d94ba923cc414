"""A simulator on a loop of its own, for tests that are no coroutines."""

import asyncio
import threading
from typing import Any

from byok_bench.backends.simulator.server import Simulator


class Served:
    """`with Served(…) as base_url`; quick unless it is told otherwise."""

    def __init__(self, **settings: Any) -> None:
        self.simulator = Simulator(**{"ttft_ms": 1, "gap_ms": 0} | settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.simulator.start(), self._loop).result()
        return self.simulator.base_url

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.simulator.stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
