"""What known servers can do, as tables: server → capability → state and word."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from byok_bench.endpoints.model_record import Capability

FILE = Path(__file__).parent.parent / "cases" / "capabilities.toml"


def compare_table(name: str, found: Mapping[str, Capability], only: Sequence[str] = ()) -> list[str]:
    """Each cell that is not as the table says, or is not in it; an expected word may be a regular expression.

    `only`: these lines of the table; all of them if there are none.
    """
    table: dict[str, list[str]] = tomllib.loads(FILE.read_text("utf-8"))[name]
    wanted = {feature: cells for feature, cells in table.items() if not only or feature in only}
    told = []
    for feature in dict.fromkeys([*wanted, *found]):
        got = [found[feature].state, found[feature].value or ""] if feature in found else []
        want = wanted.get(feature, [])
        if len(got) != len(want) or not all(re.fullmatch(w, g) for w, g in zip(want, got, strict=True)):
            told.append(f"{feature}: {want} expected, {got} seen: {found[feature].evidence if got else ''}")
    return told
