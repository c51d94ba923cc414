"""KeyRef: where a key is found – environment, keyring, this session, or none – and how it is fetched.

A reference is plain data and is what files hold. The value travels as a `Secret` (secret.py). This is the one
module that imports `keyring`; a backend is a plug-in and may raise anything, with the key in its frames, so
every error of one is replaced by our own. Never a plain-text file. Rules: docs/secrets.md.
"""

import os
import re
from collections.abc import Callable
from typing import Any, Final, Literal, NoReturn
from uuid import uuid4

import msgspec

from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.secret import Secret
from byok_bench.errors import SecretError
from byok_bench.redact import redact
from byok_bench.redact.logs import remember

__all__ = ["KEYRING_SERVICE", "KeyRef", "Kind", "Secret", "refuse_literal"]

KEYRING_SERVICE: Final = "byok-bench"
Kind = Literal["env", "keyring", "session", "none"]
KINDS: Final = ("env", "keyring", "session", "none")

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SESSION: Final[dict[str, Secret]] = {}
"""Keys kept for this process only, by the random id in their reference."""
_NO_KEYRING: Final = (
    "this machine has no keyring that can keep a key (usual without a desktop session). Name an environment "
    "variable instead (env:NAME), or keep the key for this session only; or start a Secret Service: "
    "install gnome-keyring and dbus, and run inside `dbus-run-session`"
)


KEYRING_CODES: Final = frozenset({"no_keyring", "keyring_locked", "keyring_failed"})
"""Codes of a SecretError that is about the keyring, not about the key."""


class KeyRef(msgspec.Struct, frozen=True, kw_only=True):
    """Where a key is found. Written as `env:NAME`, `keyring:service/user`, `session:ID` or `none`."""

    kind: Kind
    name: str = ""
    """Environment variable, keyring user, or id of a session key."""
    service: str = ""
    """Keyring service; empty for the other kinds."""

    def __post_init__(self) -> None:
        parts_are_text = isinstance(self.name, str) and isinstance(self.service, str)
        if self.kind not in KINDS or not parts_are_text:
            raise SecretError(
                "a reference to a key is made by KeyRef.env('NAME'), .keyring(), .session(…) or .none()",
                code="key_reference_invalid",
            )

    @classmethod
    def env(cls, name: str) -> "KeyRef":
        """The environment variable `name`, read when a request is built. Raises SecretError for no such name."""
        name = trim_ends(name) if isinstance(name, str) else "?"
        if not _is_variable_name(name):
            del name  # it may be the key itself
            raise SecretError(
                "a key from the environment is given by the name of its variable, like OPENAI_API_KEY",
                code="key_reference_invalid",
            )
        return cls(kind="env", name=name)

    @classmethod
    def keyring(cls, service: str = KEYRING_SERVICE, user: str = "") -> "KeyRef":
        """An entry of the operating system's keyring; an Endpoint fills an empty `user` with its config_key."""
        return cls(kind="keyring", name=user, service=service)

    @classmethod
    def session(cls, value: str | Secret) -> "KeyRef":
        """Keep `value` in this process alone, and refer to it. Raises SecretError if it is no usable key."""
        secret = value if isinstance(value, Secret) else Secret(value)
        del value
        ref = cls(kind="session", name=str(uuid4()))
        ref.store(secret)
        return ref

    @classmethod
    def none(cls) -> "KeyRef":
        """No key: many local servers need none."""
        return cls(kind="none")

    @classmethod
    def parse(cls, text: str) -> "KeyRef":
        """A reference from its written form. Raises SecretError for anything else, without showing it."""
        ref = _parse_reference(trim_ends(text)) if isinstance(text, str) else None
        if ref is None:
            del text
            refuse_literal()
        return ref

    def __str__(self) -> str:
        if self.kind == "keyring":
            return f"keyring:{self.service}/{self.name}"
        return f"{self.kind}:{self.name}" if self.name or self.kind == "env" else self.kind

    @property
    def is_set(self) -> bool:
        """Whether the reference points anywhere; does not look into the environment or the keyring."""
        if self.kind == "session":
            return self.name in _SESSION
        return self.kind == "none" or bool(self.name)

    def resolve(self, explicit: Secret | None = None, ask: Callable[[], str] | None = None) -> Secret | None:
        """The key: `explicit` if given, else from the source, else what `ask()` returns; None for kind `none`.

        Raises SecretError (code `key_missing`, `key_malformed`, `no_keyring`, `keyring_locked`,
        `keyring_failed`). May wait for the keyring: call it off an event loop that must not stand still.
        """
        if explicit is not None:
            return explicit.check_sendable()
        if self.kind == "none":
            return None
        secret = self._look_up()
        if secret is None and ask is not None:
            secret = Secret(ask())
        if secret is None:
            raise SecretError(self._describe_missing_key(), code="key_missing")
        return secret.check_sendable()

    def store(self, secret: Secret) -> None:
        """Put the key where the reference points (keyring and session). Raises SecretError."""
        secret.check_sendable()
        if not secret.is_dummy:
            remember((secret.reveal(),))
        if self.kind == "session" and self.name:
            _SESSION[self.name] = secret
        elif self.kind == "keyring" and self.name:
            _write_keyring(self.service, self.name, secret)
        else:
            raise SecretError(f"a key cannot be stored under {self}: set it there yourself", code="key_not_storable")

    def forget(self) -> None:
        """Remove the stored key; nothing happens if there is none. Raises SecretError if the keyring fails."""
        if self.kind == "session":
            _SESSION.pop(self.name, None)
        elif self.kind == "keyring" and self.name:
            _remove_from_keyring(self.service, self.name)

    def _look_up(self) -> Secret | None:
        if self.kind == "env":
            value = trim_ends(os.environ.get(self.name, "")) if self.name else ""
            return Secret(value) if value else None
        if self.kind == "session":
            return _SESSION.get(self.name)
        return _read_keyring(self.service, self.name)

    def _describe_missing_key(self) -> str:
        match self.kind:
            case "env":
                return f"no key: environment variable {self.name or '(no name)'} is not set"
            case "session":
                return (
                    "no key: it was kept for one session only, and that one is over; enter it again: in a form, by "
                    "bb.attach(), or by byok-bench run --resume RUN --ask-key"
                )
            case _:
                return f"no key: the keyring has no entry {self.service}/{self.name}; enter it again"


def _is_variable_name(name: str) -> bool:
    """Whether this may be the name of an environment variable: empty (not chosen yet), or a plain identifier."""
    return not name or (_VARIABLE.match(name) is not None and redact(name, ()) == name)


def _parse_reference(text: str) -> KeyRef | None:
    kind, colon, rest = text.partition(":")
    match kind:
        case "none" if not colon:
            return KeyRef.none()
        case "env" if colon and _is_variable_name(rest):
            return KeyRef(kind="env", name=rest)
        case "session":
            return KeyRef(kind="session", name=rest)
        case "keyring":
            service, _, user = rest.partition("/")
            return KeyRef.keyring(service or KEYRING_SERVICE, user)
        case _:
            return None


def refuse_literal() -> NoReturn:
    """Raise the SecretError for a key written where a reference belongs."""
    raise SecretError(
        "a key itself does not belong here, only where it is found: env:NAME, keyring:service/user, session or none. "
        "Put the key into an environment variable, or into the keyring with "
        "`byok-bench endpoints edit LABEL --key-stdin`, and take it out of the file",
        code="key_literal",
    )


def _read_keyring(service: str, user: str) -> Secret | None:
    import keyring

    try:
        value = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - see the module docstring
        problem = _explain_keyring_error(error, "read")
    else:
        return None if value is None else Secret(value)
    raise problem


def _write_keyring(service: str, user: str, secret: Secret) -> None:
    """Keep the key, and read it back: a null backend takes a key without a word and forgets it."""
    import keyring

    _refuse_plain_text(keyring.get_keyring())
    try:
        keyring.set_password(service, user, secret.reveal())
        kept = keyring.get_password(service, user) == secret.reveal()
        problem = SecretError(f"the keyring did not keep the key: {_NO_KEYRING}", code="no_keyring")
    except Exception as error:  # noqa: BLE001 - see the module docstring
        kept, problem = False, _explain_keyring_error(error, "store")
    if not kept:
        raise problem


def _remove_from_keyring(service: str, user: str) -> None:
    import keyring
    from keyring.errors import PasswordDeleteError

    try:
        keyring.delete_password(service, user)
    except PasswordDeleteError:
        if _read_keyring(service, user) is None:
            return
        problem = SecretError(f"the keyring kept the entry {service}/{user}: remove it there", code="keyring_failed")
    except Exception as error:  # noqa: BLE001 - see the module docstring
        problem = _explain_keyring_error(error, "remove")
    else:
        return
    raise problem


def _explain_keyring_error(error: Exception, doing: str) -> SecretError:
    """Our error for a backend's; its text stays out, since it could hold the key."""
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return SecretError(_NO_KEYRING, code="no_keyring")
    if isinstance(error, KeyringLocked):
        return SecretError("the keyring is locked: unlock it and try again", code="keyring_locked")
    if isinstance(error, EOFError) or type(error).__name__ == "StdinNotImplementedError":
        return SecretError(
            "the keyring wants a password of its own, and nobody could be asked for it here: unlock it in a terminal, "
            "or name an environment variable",
            code="keyring_locked",
        )
    return SecretError(
        f"the keyring could not {doing} the key ({type(error).__name__}): try again, or name an environment variable",
        code="keyring_failed",
    )


def _refuse_plain_text(backend: Any) -> None:
    """Raise SecretError if keys would land in a plain-text file (keyrings.alt brings such a backend)."""
    chained = getattr(backend, "backends", None)
    first = chained[0] if chained else backend
    if type(first).__name__.lower().startswith("plaintext"):
        raise SecretError(f"the keyring here is a plain-text file: {_NO_KEYRING}", code="no_keyring")
