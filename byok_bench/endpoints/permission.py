"""The one gate before everything that is sent: may this endpoint be used in this workspace, and by which egress rules?

`policy.toml` decides (workspace.py), read again whenever it changed. With `byok_enabled` off only endpoints of the
team book pass, as they stand there: what a plan, a line, a form, Python or an embedded backend brings is one's own.
`send` and `list_models` ask here themselves, so a new way to send is held by it without doing anything.
"""

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from byok_bench.endpoints.book import POLICY_NAME, EndpointBook, locate_home, locate_team_book
from byok_bench.endpoints.endpoint import Endpoint, refuse_other_than_endpoint
from byok_bench.endpoints.workspace import Workspace, read_workspace
from byok_bench.errors import BookError, EndpointError

NO_POLICY: Final = Workspace()
PLACES: Final = ("HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA", "USERPROFILE")
"""Variables that say where the user's book is, if BYOK_BENCH_HOME does not."""

Stamp = tuple[int, int, int, int]
"""What tells one state of a file from another."""


class EgressRules(NamedTuple):
    """By which egress rules a request is judged."""

    profile: str
    policy: Mapping[str, Any] | None


def admit_endpoint(endpoint: Endpoint, profile: str, policy: Mapping[str, Any] | None) -> EgressRules:
    """The rules by which a request to this endpoint is judged: the workspace's own profile and lists where it sets
    them, else those asked for. Raises EndpointError, code `not_allowed`, if it may not be used here, and BookError if
    the policy cannot be read.
    """
    refuse_other_than_endpoint(endpoint)
    workspace = find_workspace()
    if refusal := _find_workspace_refusal(workspace, endpoint, None):
        raise EndpointError(f"{endpoint.label!r}: {refusal}", code="not_allowed")
    return _make_rules(workspace, profile, policy)


def find_rules(profile: str, policy: Mapping[str, Any] | None) -> EgressRules:
    """The same rules, whatever endpoint they are for. Raises BookError."""
    return _make_rules(find_workspace(), profile, policy)


def find_refusal(endpoint: Endpoint, *, team: bool | None = None) -> str | None:
    """Why the workspace does not let this endpoint be used; None if it does.

    `team`: whether it is the team's, for a server that has its own list of those. Raises BookError if policy or team
    book cannot be read.
    """
    return _find_workspace_refusal(find_workspace(), endpoint, team)


def refuse_unless_allowed(endpoint: Endpoint) -> None:
    """Raise EndpointError, code `not_allowed`, for an endpoint that may not be used here."""
    admit_endpoint(endpoint, "local", None)


def is_as_in_team_book(endpoint: Endpoint) -> bool:
    """Whether the team book has this endpoint, at this address and in this dialect: its id alone can be copied."""
    path = locate_team_book()
    same = (endpoint.config_key, endpoint.base_url, endpoint.schema)
    return any(same == (one.config_key, one.base_url, one.schema) for one in _read_team_endpoints(path, _stamp(path)))


def find_workspace() -> Workspace:
    """What the policy file says now, of the working folder, else beside the user's book. Raises BookError if it cannot
    be read: then nothing may be sent. Asked before every request, so it costs two looks at the file system.
    """
    chosen = os.environ.get("BYOK_BENCH_HOME")
    others = () if chosen else tuple(os.environ.get(name) for name in PLACES)
    for path in (POLICY_NAME, _locate_beside_book(chosen, others)):
        stamp = _stamp(path)
        if stamp is not None:
            return _read_workspace_at(path, stamp)
    return NO_POLICY


def _make_rules(workspace: Workspace, profile: str, policy: Mapping[str, Any] | None) -> EgressRules:
    lists = policy if workspace.policy is None else workspace.policy
    return EgressRules(workspace.choose_profile(profile), lists)


def _find_workspace_refusal(workspace: Workspace, endpoint: Endpoint, team: bool | None) -> str | None:
    if team is None:  # the team book is read only where something hangs on it
        team = not workspace.byok_enabled and is_as_in_team_book(endpoint)
    return workspace.find_refusal(endpoint, team=team)


@functools.lru_cache(maxsize=4)
def _locate_beside_book(chosen: str | None, others: tuple[str | None, ...]) -> str:
    """Path of the policy beside the book; the arguments are what it follows from."""
    return str(locate_home() / POLICY_NAME)


@functools.lru_cache(maxsize=4)
def _read_workspace_at(path: str, stamp: Stamp) -> Workspace:
    return read_workspace(Path(path).absolute())


@functools.lru_cache(maxsize=4)
def _read_team_endpoints(path: Path, stamp: Stamp | None) -> tuple[Endpoint, ...]:
    book = EndpointBook.open(team=path)
    return tuple(one for one in book if book.is_team(one))


def _stamp(path: str | Path) -> Stamp | None:
    """The state of a file; None if there is none. One that cannot be looked at is not taken for none."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BookError(f"{path} cannot be read: {error.strerror}", code="policy_broken") from None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
