"""Print the lowest version that pyproject.toml allows of each dependency, as constraints: `name==version`, a line each.

    python tools/lowest.py            the dependencies of the package itself
    python tools/lowest.py lab local  and those of these extras

`make lowest` installs them into an environment of their own; tests/e2e/test_lowest_versions.py uses it.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOUND = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*>=\s*([0-9][0-9.]*)")


def find_lowest(extras: list[str]) -> dict[str, str]:
    """Package → lowest version. Raises ValueError for a dependency without a lower bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    found = {}
    for requirement in wanted:
        bound = BOUND.match(requirement)
        if bound is None:
            raise ValueError(f"{requirement} has no lower bound")
        found[bound[1]] = bound[2]
    return found


if __name__ == "__main__":
    for name, version in sorted(find_lowest(sys.argv[1:]).items()):
        print(f"{name}=={version}")
