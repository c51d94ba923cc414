"""policy.toml: what a workspace allows, and that a file which cannot be understood allows nothing."""

from pathlib import Path

import pytest
from support.books import an_endpoint, written

from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.workspace import Workspace, read_workspace
from byok_bench.errors import BookError

BROKEN = {
    "no TOML": "byok_enabled = ",
    "a misspelt name": "byok_enabeld = false",
    "a word for a truth value": 'byok_enabled = "no"',
    "an unknown profile": 'profile = "open"',
    "an unknown schema": 'schemas = ["grpc"]',
    "a newer version": "version = 2",
    "lists that are no table": 'egress = "all"',
}


def test_without_a_policy_everything_is_allowed(tmp_path: Path) -> None:
    """No file means no restriction."""
    workspace = read_workspace(tmp_path / "policy.toml")
    assert workspace == Workspace()
    assert workspace.find_refusal(an_endpoint()) is None
    assert workspace.policy is None


@pytest.mark.parametrize("name", BROKEN)
def test_a_policy_that_is_not_understood_allows_nothing(tmp_path: Path, name: str) -> None:
    """A broken policy is an error, never an open door."""
    path = written(tmp_path, BROKEN[name], "policy.toml")
    with pytest.raises(BookError, match=r"policy\.toml") as caught:
        read_workspace(path)
    assert caught.value.code == "policy_broken"
    with pytest.raises(BookError):
        EndpointBook.open(tmp_path / "endpoints.toml")


def test_lists_at_the_top_are_told_where_they_belong(tmp_path: Path) -> None:
    """Whoever forgot the table reads its name."""
    path = written(tmp_path, 'allow_hosts = ["llm.corp"]\n', "policy.toml")
    with pytest.raises(BookError, match=r"put allow_hosts into a table \[egress\]"):
        read_workspace(path)


def test_the_lists_and_the_profile_are_handed_on(tmp_path: Path) -> None:
    """What the file says of addresses reaches the judge as it stands."""
    path = written(tmp_path, 'profile = "shared"\n[egress]\nallow_cidrs = ["10.0.0.0/8"]\n', "policy.toml")
    book = EndpointBook.open(tmp_path / "endpoints.toml")
    assert path.exists()
    assert book.workspace.profile == "shared"
    assert book.egress_policy == {"allow_cidrs": ["10.0.0.0/8"]}


@pytest.mark.parametrize("team", [True, False])
def test_schemas_bind_everyone_and_byok_enabled_the_users_own(tmp_path: Path, team: bool) -> None:
    """A schema that is not allowed refuses a team's endpoint too; byok_enabled leaves the team alone."""
    path = written(tmp_path, 'schemas = ["chat"]\n', "policy.toml")
    workspace = read_workspace(path)
    assert workspace.find_refusal(an_endpoint(), team=team) is None
    assert "chat, not messages" in str(workspace.find_refusal(an_endpoint(schema="messages"), team=team))
    off = Workspace(byok_enabled=False)
    assert (off.find_refusal(an_endpoint(), team=team) is None) == team
