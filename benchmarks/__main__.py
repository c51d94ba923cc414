"""`make bench`: our client and its peers, as ratios of one run, met or not met.

    python -m benchmarks [--repeats 5] [--only burst,steady] [--write]

Parts: burst, steady, heavy, packed, memory, floor, judging, imports, blocked, leaks, redacting.

Whatever is compared is measured in turn within every repeat, clients on one core and the server on the other, so
that the machine's drift hits all alike. The latest figures of each part are kept in build/benchmarks; `--write` puts
all of them into docs/benchmarks.md.
"""

import argparse
from typing import Final

from benchmarks import blocked, floor, imports, judging, leaks, loads, page, redacting
from benchmarks.part import Figures, kept, measured

PARTS: Final = {
    part.name: part
    for part in (
        *loads.PARTS,
        floor.PART,
        judging.PART,
        imports.PART,
        blocked.PART,
        leaks.PART,
        redacting.PART,
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default=",".join(PARTS), help="parts to measure; the others are left as they were")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    chosen = [name for name in given.only.split(",") if name]
    found: dict[str, Figures] = {}
    for name, part in PARTS.items():
        figures = measured(part, given.repeats) if name in chosen else kept(part) if given.write else None
        if figures is not None:
            found[name] = figures
    text = page.measured(PARTS, found)
    print(text)
    if given.write:
        page.write("measured", text)


if __name__ == "__main__":
    main()
