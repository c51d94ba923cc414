"""Every source of keys keeps the same promises: environment, session, encrypted keyring, Secret Service."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import keyring
import keyring.backend
import keyring.backends.null
import pytest
from keyring.errors import KeyringLocked
from keyrings.alt.file import EncryptedKeyring, PlaintextKeyring
from support.key_sources import KEY, KeySourceContract, reveal

from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.secret import Secret
from byok_bench.errors import SecretError

HERE = Path(__file__).parent


class Environment:
    """Keys in environment variables."""

    stores = False
    ref = KeyRef.env("SOME_KEY_OF_A_TEST")

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def put(self, value: str) -> None:
        """Set the variable."""
        self._monkeypatch.setenv(self.ref.name, value)


class Session:
    """Keys kept in this process."""

    stores = True

    def __init__(self) -> None:
        self.ref = KeyRef(kind="session", name=str(uuid4()))

    def put(self, value: str) -> None:
        """Past the check, as nothing but a test can do."""
        from byok_bench.endpoints import keys

        keys._SESSION[self.ref.name] = Secret(value)


class Keyring:
    """Keys in the keyring that is set."""

    stores = True

    def __init__(self) -> None:
        self.ref = KeyRef.keyring(user=str(uuid4()))

    def put(self, value: str) -> None:
        """By the keyring's own means."""
        keyring.set_password(self.ref.service, self.ref.name, value)


class TestEnvironment(KeySourceContract):
    """Environment variables."""

    @pytest.fixture
    def source(self, monkeypatch: pytest.MonkeyPatch) -> Environment:
        """No such variable yet."""
        return Environment(monkeypatch)

    def test_an_empty_variable_is_a_missing_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """CI sets variables of absent secrets to the empty string."""
        monkeypatch.setenv("SOME_KEY_OF_A_TEST", " ")
        with pytest.raises(SecretError, match="SOME_KEY_OF_A_TEST is not set"):
            KeyRef.env("SOME_KEY_OF_A_TEST").resolve()


class TestSession(KeySourceContract):
    """This process alone."""

    @pytest.fixture
    def source(self) -> Session:
        """A reference from an earlier session."""
        return Session()


@pytest.mark.filterwarnings("ignore:PBKDF2 without:DeprecationWarning")  # how keyrings.alt calls pycryptodome
class TestEncryptedKeyring(KeySourceContract):
    """keyrings.alt's encrypted file."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Keyring:
        """An empty file behind a password."""
        backend = EncryptedKeyring()
        backend.file_path = str(tmp_path / "keyring.cfg")
        backend.keyring_key = "the password of the keyring"
        keyring.set_keyring(backend)
        return Keyring()

    def test_the_file_does_not_hold_the_key(self, source: Keyring, tmp_path: Path) -> None:
        """The key stands nowhere in the backend's folder as plain text."""
        source.ref.store(Secret(KEY))
        assert reveal(source.ref) == KEY
        kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert kept
        assert not any(KEY.encode() in content for content in kept)


@pytest.mark.keyring
def test_the_secret_service_keeps_the_same_promises(tmp_path: Path) -> None:
    """The same contract holds for a real Secret Service, behind a session bus of its own."""
    inside = f"{sys.executable} -m pytest -q -p no:cacheprovider -p no:xdist {HERE / 'in_secret_service.py'}"
    script = f"printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec {inside}"
    folders = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")}
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script],
        env={"PATH": os.environ["PATH"], **folders},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert KEY not in done.stdout + done.stderr


class Moody(keyring.backend.KeyringBackend):
    """A backend that fails with the key in its words."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        """Fail."""
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        """Fail."""
        raise self.error

    def delete_password(self, service: str, username: str) -> None:
        """Fail."""
        raise self.error


@pytest.fixture
def ref() -> Iterator[KeyRef]:
    """A keyring entry."""
    return KeyRef.keyring(user="user")


def test_without_a_keyring_the_message_says_what_to_do(ref: KeyRef) -> None:
    """On a headless machine both reading and storing offer a variable or the session, and no file is written."""
    for attempt in (lambda: ref.store(Secret(KEY)), ref.resolve, ref.forget):
        with pytest.raises(SecretError, match=r"environment variable.*session only") as caught:
            attempt()
        assert caught.value.code == "no_keyring"


def test_a_plain_text_file_is_no_keyring(ref: KeyRef, tmp_path: Path) -> None:
    """keyrings.alt's plain-text backend, which a headless machine picks by itself, is never written to."""
    backend = PlaintextKeyring()
    backend.file_path = str(tmp_path / "plain.cfg")
    keyring.set_keyring(backend)
    with pytest.raises(SecretError, match="plain-text file") as caught:
        ref.store(Secret(KEY))
    assert caught.value.code == "no_keyring"
    assert not (tmp_path / "plain.cfg").exists()


def test_a_keyring_that_forgets_is_noticed(ref: KeyRef) -> None:
    """The null backend takes a key without a word; we read it back."""
    keyring.set_keyring(keyring.backends.null.Keyring())
    with pytest.raises(SecretError, match="did not keep"):
        ref.store(Secret(KEY))


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyringLocked(KEY), "keyring_locked"), (RuntimeError(f"D-Bus says {KEY}"), "keyring_failed")],
)
def test_a_backend_that_fails_tells_nothing_of_the_key(ref: KeyRef, error: Exception, code: str) -> None:
    """Whatever a backend raises becomes a SecretError without its words, and without its frames."""
    keyring.set_keyring(Moody(error))
    for attempt in (lambda: ref.store(Secret(KEY)), ref.resolve, ref.forget):
        with pytest.raises(SecretError) as caught:
            attempt()
        assert caught.value.code == code
        assert KEY not in str(caught.value)
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("text", [KEY, "Bearer x", "env", f"env:{KEY}", "env:A=B", "", "keys:abc", "none:"])
def test_a_key_is_not_a_reference(text: str) -> None:
    """What is no written reference is refused without being shown, with the way to move a key."""
    with pytest.raises(SecretError) as caught:
        KeyRef.parse(text)
    assert caught.value.code == "key_literal"
    assert "env:NAME" in str(caught.value)
    assert not text or text == "env" or text not in str(caught.value)


def test_a_key_is_not_the_name_of_a_variable() -> None:
    """A key given in place of a variable's name is refused without being shown."""
    with pytest.raises(SecretError) as caught:
        KeyRef.env(KEY)
    assert KEY not in str(caught.value)


def test_no_key_resolves_to_none() -> None:
    """Many local servers need none."""
    assert KeyRef.none().resolve() is None
