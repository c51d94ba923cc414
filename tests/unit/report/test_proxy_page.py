"""docs/proxy.md names everything that the test of the real pair holds it to."""

from pathlib import Path

import pytest
from support.proxy_changes import read_proxy_changes

PAGE = (Path(__file__).parents[3] / "docs/proxy.md").read_text("utf-8")
TOLD = read_proxy_changes()
MEMBERS = [what for place, _, what, *_ in TOLD["changes"] if place == "body" and not what.startswith("(")]
HEADERS = [*TOLD["headers_added"], *TOLD["headers_dropped"], *TOLD["headers_changed"]]


@pytest.mark.parametrize("name", [*MEMBERS, *HEADERS])
def test_each_member_and_header_is_on_the_page(name: str) -> None:
    """What the proxy changes can be looked up."""
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("what", TOLD["same"])
def test_what_stays_is_on_the_page(what: str) -> None:
    """So is what it leaves alone."""
    assert what in PAGE.lower()
