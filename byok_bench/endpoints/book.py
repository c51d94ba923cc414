"""EndpointBook: the list of endpoints that a user keeps, and a team's laid over it.

Every change is one small transaction: lock, read the file again, change one endpoint, write a temporary file,
fsync, rename. So two notebooks that save at once lose nothing, and a broken file is never overwritten.
What the file says is in book_format.py and book_edits.py. Rules: docs/endpoints.md, section "The book".
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self

from msgspec.structs import replace
from platformdirs import user_config_dir
from tomlkit import TOMLDocument

from byok_bench.endpoints import book_edits, book_format, team_keys
from byok_bench.endpoints.atomic_files import lock_file, write_atomically
from byok_bench.endpoints.concurrent_edits import merge_edits
from byok_bench.endpoints.endpoint import Endpoint, make_picker_label
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.readiness import describe_unreadiness, is_ready
from byok_bench.endpoints.secret import Secret
from byok_bench.endpoints.workspace import Workspace, read_workspace
from byok_bench.errors import BookError, ByokBenchError, EndpointError, SecretError, strip_traceback

BOOK_NAME: Final = "endpoints.toml"
TEAM_NAME: Final = "team.toml"
POLICY_NAME: Final = "policy.toml"


def locate_home() -> Path:
    """$BYOK_BENCH_HOME, else the platform's config folder."""
    given = os.environ.get("BYOK_BENCH_HOME")
    return Path(given).expanduser() if given else Path(user_config_dir("byok-bench"))


class EndpointBook:
    """Endpoints by config_key. Reading methods look at what was read last; changes read the file again first."""

    def __init__(self, path: Path, team_path: Path, policy_path: Path) -> None:
        self.path = path
        self.team_path = team_path
        self.policy_path = policy_path
        self.workspace = Workspace()
        self._own: list[Endpoint] = []
        self._team: list[Endpoint] = []

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, *, team: str | os.PathLike[str] | None = None) -> Self:
        """The book at `path` (default: the user's own), the team book over it (default: `team.toml` in the working
        folder, else beside the book) and the workspace's policy (`policy.toml`, the same places).

        A missing file is an empty book. Raises BookError for one that is broken or of a newer version.
        """
        own = Path(path).expanduser() if path is not None else locate_home() / BOOK_NAME
        found = Path(team) if team is not None else _choose_path(TEAM_NAME, own.parent)
        book = cls(own, found, _choose_path(POLICY_NAME, own.parent))
        book.refresh()
        return book

    def refresh(self) -> None:
        """Read the policy and both files again."""
        self.workspace = read_workspace(self.policy_path)
        self._own = self._read(self.path)[1]
        self._team = self._read_team()

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All endpoints: the user's own in the order of the file, then the team's, which hide own ones of their id."""
        theirs = {endpoint.config_key for endpoint in self._team}
        return (*(one for one in self._own if one.config_key not in theirs), *self._team)

    @property
    def usable_endpoints(self) -> tuple[Endpoint, ...]:
        """Those that may be offered for a run: complete, with a URL that is one, and allowed in this workspace."""
        return tuple(one for one in self.endpoints if is_ready(one) and self.find_refusal(one) is None)

    @property
    def egress_policy(self) -> Mapping[str, Any] | None:
        """The workspace's egress lists; None if it sets none."""
        return self.workspace.policy

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.endpoints)

    def __len__(self) -> int:
        return len(self.endpoints)

    def __getitem__(self, label: str) -> Endpoint:
        """The endpoint with this label or config_key. Raises EndpointError with the labels there are."""
        for endpoint in self.endpoints:
            if label in (endpoint.label, endpoint.config_key):
                return endpoint
        labels = {endpoint.label.casefold(): endpoint.label for endpoint in self.endpoints}
        near = get_close_matches(label.casefold(), [*labels], n=1)
        meant = f". Did you mean {labels[near[0]]!r}?" if near else ""
        have = ", ".join(labels.values()) or "none yet"
        raise EndpointError(f"no endpoint is called {label!r}; in the book: {have}{meant}", code="endpoint_unknown")

    def look_up_again(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it stands now, for whoever measured it and saves what was found: it may have been edited.

        Raises EndpointError if it is gone, or leads elsewhere, so that what was found is not about it.
        """
        current = next((one for one in self if one.config_key == endpoint.config_key), None)
        if current is None:
            raise EndpointError(f"nothing is saved: {endpoint.label!r} is not in the book", code="endpoint_unknown")
        if (current.base_url, current.schema) != (endpoint.base_url, endpoint.schema):
            raise EndpointError(
                f"nothing is saved: the address or schema of {current.label!r} was changed meanwhile; measure it again",
                code="endpoint_changed",
            )
        return current

    def choose(self, labels: Iterable[str]) -> list[Endpoint]:
        """The endpoints with these labels, each once, ready to be called.

        Raises EndpointError, with what there is or what to do, for a label that is none, an endpoint that is not ready
        or one that may not be used here: nobody's endpoint is dropped in silence.
        """
        chosen = []
        for label in dict.fromkeys(labels):
            endpoint = self[label]
            if refusal := self.find_refusal(endpoint):
                raise EndpointError(f"{label!r}: {refusal}", code="not_allowed")
            if why := describe_unreadiness(endpoint):
                raise EndpointError(f"{label!r} is not ready. {why}", code="endpoint_incomplete")
            chosen.append(endpoint)
        return chosen

    def find_unknown_fields(self, endpoint: Endpoint) -> list[str]:
        """Fields of its table that nothing reads: kept as they stand, and perhaps meant for others."""
        if self.is_team(endpoint):
            return []
        return book_edits.find_unknown_fields(self._read(self.path)[0], endpoint)

    @property
    def has_team(self) -> bool:
        """Whether a team book lies over it."""
        return bool(self._team)

    def is_team(self, endpoint: Endpoint) -> bool:
        """Whether it comes from the team book, and is read-only here."""
        return any(one.config_key == endpoint.config_key for one in self._team)

    def find_refusal(self, endpoint: Endpoint) -> str | None:
        """Why the workspace does not let this endpoint be used; None if it does."""
        return self.workspace.find_refusal(endpoint, team=self.is_team(endpoint))

    def list_picker_choices(self) -> list[tuple[str, Endpoint, Model]]:
        """What a picker offers: (label, endpoint, model) for each model of each usable endpoint."""
        return [
            (make_picker_label(endpoint, model, team=self.is_team(endpoint)), endpoint, model)
            for endpoint in self.usable_endpoints
            for model in endpoint.models
        ]

    def add(self, endpoint: Endpoint) -> None:
        """Add one. Raises EndpointError if its label or config_key is taken, BookError if the file cannot be used."""
        self._check_editable(endpoint)

        def change(document: TOMLDocument, before: list[Endpoint]) -> None:
            if any(one.config_key == endpoint.config_key for one in before):
                raise EndpointError(f"{endpoint.label!r} is in the book already", code="endpoint_twice")
            self._refuse_taken_label(endpoint, before)
            book_edits.put_endpoint(document, endpoint)

        self._change(change)

    def update(self, endpoint: Endpoint) -> None:
        """Write what changed in an endpoint since this book last read it; other fields stay as they are stored.

        Raises as `add` does.
        """
        self._check_editable(endpoint)
        known = _find_by_key(self._own, endpoint.config_key)

        def change(document: TOMLDocument, before: list[Endpoint]) -> None:
            stored = _find_by_key(before, endpoint.config_key)
            if stored is None:
                raise EndpointError(f"{endpoint.label!r} is no longer in the book", code="endpoint_unknown")
            merged = merge_edits(stored, known or stored, endpoint)
            if merged.label != stored.label:
                self._refuse_taken_label(merged, before)
            book_edits.put_endpoint(document, merged)

        self._change(change)

    def remove(self, config_key: str) -> None:
        """Take one out, and its stored key with it. The one edit that a workspace never refuses.

        Raises SecretError if the endpoint went but its key stayed in the keyring.
        """
        endpoint = self[config_key]
        if self.is_team(endpoint):
            raise EndpointError(f"{endpoint.label!r} is the team's: edit {self.team_path}", code="endpoint_team")
        self._change(lambda document, _: book_edits.drop_endpoint(document, endpoint.config_key))
        if endpoint.key in [one.key for one in self]:
            return  # another endpoint uses the same entry
        try:
            endpoint.key.forget()
            return
        except SecretError as error:
            problem = f"{endpoint.label!r} was removed, but its key {endpoint.key} was not: {error}"
            code = error.code
        raise SecretError(problem, code=code)

    def set_key(self, config_key: str, value: str | Secret) -> None:
        """Put a key into the keyring for this endpoint's present address. Raises SecretError if it is no key."""
        endpoint = self[config_key]
        self._check_editable(endpoint)
        secret = value if isinstance(value, Secret) else Secret(value)
        del value
        ref = KeyRef.keyring(user=endpoint.config_key)
        ref.store(secret)
        now = datetime.now(UTC).replace(microsecond=0)
        self.update(replace(endpoint, key=ref, key_origin=endpoint.origin, key_set_at=now))
        if endpoint.key.kind == "session":
            endpoint.key.forget()

    def confirm_key(self, config_key: str) -> None:
        """Say that the key of an endpoint, one's own or the team's, may go to its present address.

        Raises EndpointError if the policy lets nothing be edited, BookError if the file cannot be written.
        """
        endpoint = self[config_key]
        if not self.is_team(endpoint):
            self.update(endpoint.confirm_key())
        elif endpoint.origin is not None:
            team_keys.confirm_origins(self._team_keys_path, {endpoint.config_key: endpoint.origin})
            self._team = self._read_team()

    def _read_team(self) -> list[Endpoint]:
        """The team's endpoints, each with the address that this member's key is confirmed for."""
        listed = [_check_team_endpoint(endpoint, self.team_path) for endpoint in self._read(self.team_path)[1]]
        origins = team_keys.read_origins(self._team_keys_path) if listed else {}
        fresh = {
            one.config_key: one.origin
            for one in listed
            if one.needs_secret and one.origin is not None and one.config_key not in origins
        }
        if fresh:
            self._note_first_addresses(fresh)
        confirmed = {**origins, **fresh}
        return [replace(one, key_origin=confirmed.get(one.config_key)) for one in listed]

    def _note_first_addresses(self, origins: Mapping[str, str]) -> None:
        try:
            team_keys.confirm_origins(self._team_keys_path, origins)
        except BookError as error:
            if error.code != "book_unwritable":
                raise
            # A folder that cannot be written can still be read from: there every time is the first.

    @property
    def _team_keys_path(self) -> Path:
        return self.path.with_name(team_keys.TEAM_KEYS_NAME)

    def _check_editable(self, endpoint: Endpoint) -> None:
        """Raise EndpointError for a team's endpoint, and for one's own where the policy, read again, says no."""
        self.workspace = read_workspace(self.policy_path)
        if self.is_team(endpoint):
            raise EndpointError(
                f"{endpoint.label!r} is the team's and read-only here: edit {self.team_path}",
                code="endpoint_team",
            )
        if not self.workspace.byok_enabled:
            raise EndpointError(str(self.workspace.find_refusal(endpoint)), code="byok_disabled")

    def _refuse_taken_label(self, endpoint: Endpoint, before: list[Endpoint]) -> None:
        others = [one.label for one in (*before, *self._team) if one.config_key != endpoint.config_key]
        if endpoint.label in others:
            raise EndpointError(
                f"another endpoint is called {endpoint.label!r}; give this one another label",
                code="label_taken",
            )

    def _change(self, change: Callable[[TOMLDocument, list[Endpoint]], None]) -> None:
        """One transaction on the user's own file."""
        try:
            with lock_file(self.path):
                self._own = self._rewrite_file(change)
            return
        except ByokBenchError as error:
            problem = strip_traceback(error)
        raise problem

    def _rewrite_file(self, change: Callable[[TOMLDocument, list[Endpoint]], None]) -> list[Endpoint]:
        document, before = self._read(self.path)
        stored = document.as_string()
        change(document, before)
        text = document.as_string()
        after = book_format.parse_book(text, str(self.path))[1]
        if text != stored:
            write_atomically(self.path, text)
        return after

    def _read(self, path: Path) -> tuple[TOMLDocument, list[Endpoint]]:
        try:
            return book_format.parse_book(path.read_bytes().decode("utf-8-sig"), str(path))
        except FileNotFoundError:
            return book_edits.make_empty_document(), []
        except UnicodeDecodeError:
            raise BookError(f"{path} is not UTF-8; it was not touched", code="book_broken") from None
        except OSError as error:
            raise BookError(f"{path} cannot be read: {error.strerror}", code="book_unreadable") from None


def locate_team_book() -> Path:
    """Where the team book is, or would be."""
    return _choose_path(TEAM_NAME, locate_home())


def _choose_path(name: str, beside: Path) -> Path:
    """`name` in the working folder if it is there, else beside the book."""
    here = Path(name)
    return here.absolute() if here.exists() else beside / name


def _find_by_key(endpoints: list[Endpoint], config_key: str) -> Endpoint | None:
    return next((one for one in endpoints if one.config_key == config_key), None)


def _check_team_endpoint(endpoint: Endpoint, path: Path) -> Endpoint:
    """A team's endpoint names where each member's key comes from; a shared file cannot point at a session."""
    if endpoint.key.kind == "session":
        raise BookError(f"{path}: {endpoint.label!r} points at a session's key; use env or keyring", code="book_broken")
    return endpoint
