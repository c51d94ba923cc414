"""The page of a rule: what it asks, why, who was seen breaking it, with examples out of its cases.

Pages are written by tools/make_docs.py into docs/checks/; a wheel carries them beside this module, a source
checkout has them where they were written. No rendering in here.
"""

from pathlib import Path

PACKAGED = Path(__file__).with_name("docs")
WRITTEN = Path(__file__).parents[2] / "docs" / "checks"


def load_rule_page(id: str) -> str:
    """Markdown of one rule's page. Raises KeyError for an id without one."""
    for folder in (PACKAGED, WRITTEN):
        path = folder / f"{id}.md"
        if path.is_file():
            return path.read_text("utf-8")
    raise KeyError(f"no page for {id!r}")
