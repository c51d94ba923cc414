"""SharedPurse: one purse for one start of a run and all its processes, kept in a small file under a lock.

What a process claimed and never settled stays claimed: a process that is killed ends the whole run.
"""

import asyncio
import struct
from pathlib import Path
from typing import Final

import msgspec

from byok_bench.endpoints.atomic_files import lock_file
from byok_bench.runs.planning.budgets import Limits, Spent, find_passed

_FORM: Final = struct.Struct("<dqqq")
"""Cost, tokens, requests, and how many of these are under way."""
_LOOK_AGAIN_S: Final = 0.01


class SharedPurse:
    """What was spent by all that were given the same path, at once or in turn; the first one to come makes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with lock_file(path):
            if not path.exists():
                self._write(Spent(), 0)

    async def claim(self, wanted: Spent, limits: Limits) -> tuple[str, int]:
        """See `Purse`."""
        with lock_file(self._path):
            spent, under_way = self._read()
            passed = find_passed(spent.add(wanted), limits)
            if not passed:
                self._write(spent.add(wanted), under_way + 1)
        return passed, under_way

    async def put_back(self, claimed: Spent, taken: Spent) -> None:
        """See `Purse`."""
        with lock_file(self._path):
            spent, under_way = self._read()
            self._write(spent.add(claimed, -1).add(taken), under_way - 1)

    async def wait(self) -> None:
        """See `Purse`: nobody tells what another process settled, so it is looked at again."""
        await asyncio.sleep(_LOOK_AGAIN_S)

    def _read(self) -> tuple[Spent, int]:
        cost, tokens, requests, under_way = _FORM.unpack(self._path.read_bytes())
        return Spent(cost, tokens, requests), under_way

    def _write(self, spent: Spent, under_way: int) -> None:
        self._path.write_bytes(_FORM.pack(*msgspec.structs.astuple(spent), under_way))
