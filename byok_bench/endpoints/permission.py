"""The one gate before everything that is sent: may this endpoint be used in this workspace, and by which egress rules?

`policy.toml` decides (workspace.py), read again whenever it changed. With `byok_enabled` off only endpoints of the
team book pass, as they stand there: what a plan, a line, a form, Python or an embedded backend brings is one's own.
`send` and `get_models` ask here themselves, so a new way to send is held by it without doing anything.
"""

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from byok_bench.endpoints.book import EndpointBook, find_policy, find_team_book
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.workspace import Workspace, read_workspace
from byok_bench.errors import EndpointError

Stamp = tuple[int, int, int] | None
"""What tells one state of a file from another; None where there is no file."""


class Rules(NamedTuple):
    """By which egress rules a request is judged."""

    profile: str
    policy: Mapping[str, Any] | None


def find_rules(profile: str, policy: Mapping[str, Any] | None) -> Rules:
    """The workspace's own profile and lists where it sets them, else those asked for. Raises BookError."""
    workspace = find_workspace()
    return Rules(workspace.profile_for(profile), policy if workspace.policy is None else workspace.policy)


def find_refusal(endpoint: Endpoint, *, team: bool | None = None) -> str | None:
    """Why the workspace does not let this endpoint be used; None if it does.

    `team`: whether it is the team's, for a server that has its own list of those. Raises BookError if policy or team
    book cannot be read.
    """
    workspace = find_workspace()
    if team is None:  # the team book is read only where something hangs on it
        team = not workspace.byok_enabled and is_as_in_team_book(endpoint)
    return workspace.refusal(endpoint, team=team)


def refuse_unless_allowed(endpoint: Endpoint) -> None:
    """Raise EndpointError, code `not_allowed`, for an endpoint that may not be used here."""
    if refusal := find_refusal(endpoint):
        raise EndpointError(f"{endpoint.label!r}: {refusal}", code="not_allowed")


def is_as_in_team_book(endpoint: Endpoint) -> bool:
    """Whether the team book has this endpoint, at this address and in this dialect: its id alone can be copied."""
    path = find_team_book()
    same = (endpoint.config_key, endpoint.base_url, endpoint.schema)
    return any(same == (one.config_key, one.base_url, one.schema) for one in _team(path, _stamp(path)))


def find_workspace() -> Workspace:
    """What the policy file says now. Raises BookError if it cannot be read: then nothing may be sent."""
    path = find_policy()
    return _workspace(path, _stamp(path))


@functools.lru_cache(maxsize=4)
def _workspace(path: Path, stamp: Stamp) -> Workspace:
    return read_workspace(path)


@functools.lru_cache(maxsize=4)
def _team(path: Path, stamp: Stamp) -> tuple[Endpoint, ...]:
    book = EndpointBook.open(team=path)
    return tuple(one for one in book if book.is_team(one))


def _stamp(path: Path) -> Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
