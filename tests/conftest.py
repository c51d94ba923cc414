"""House rules for every test: clean environment, own home, no keyring, no network but loopback."""

import ipaddress
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import pytest
from hypothesis import settings

from byok_bench.redact import logs

# No test measures time, and a busy machine is no failure.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

ROOT = Path(__file__).parents[1]
ON_CI = bool(os.environ.get("CI"))
"""On CI nothing is skipped: a missing part is a failure there, not a reason."""
PARTS = {
    "gateway": (
        lambda: (ROOT / ".venv-gateway/.installed").exists(),
        "needs the LiteLLM proxy: make gateway",
    ),
    "comply": (
        lambda: (ROOT / ".venv-comply/.installed").exists(),
        "needs the compliance suite llm-comply: make comply",
    ),
    "clients": (
        lambda: (ROOT / ".venv-clients/.installed").exists(),
        "needs the Python client libraries: make clients-python",
    ),
    "light": (
        lambda: (ROOT / ".venv-light/.installed").exists(),
        "needs the core without extras: make light",
    ),
    "lowest": (
        lambda: (ROOT / ".venv-lowest/.installed").exists(),
        "needs the lowest versions of all dependencies: make lowest",
    ),
    "site": (lambda: (ROOT / "build/site/index.html").exists(), "needs the documentation's site: make site"),
    "browser": (lambda: shutil.which("chromium") is not None, "needs a browser: apt-get install chromium"),
    "keyring": (
        lambda: all(shutil.which(name) for name in ("dbus-run-session", "gnome-keyring-daemon")),
        "needs a Secret Service: apt-get install dbus gnome-keyring",
    ),
}
"""Marker → is its part on this machine, and what to install if not."""

SLOW_FOLDERS = ("e2e", "notebooks")

LOOPBACK_NAMES = {"localhost", "", None}
LEAKY_VARIABLES = (
    "OPENAI_",
    "ANTHROPIC_",
    "AZURE_",
    "OPENROUTER_",
    "BYOK_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)


def pytest_configure(config: pytest.Config) -> None:
    """Let tests stop programs by Ctrl-C: a suite that a shell starts in the background hands on that it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; skip, with the reason, what this machine lacks, and on CI let it fail."""
    # Files go to whichever process is free: a long one that comes last would keep the others waiting.
    items.sort(key=lambda item: item.path.parent.name not in SLOW_FOLDERS)
    if ON_CI:
        return
    missing = {marker: why for marker, (present, why) in PARTS.items() if not present()}
    for item in items:
        for marker, why in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=why))


def is_loopback(address: Any) -> bool:
    """Whether a socket address stays on this machine (Unix sockets and loopback IPs do)."""
    if not isinstance(address, tuple):
        return True
    host = address[0]
    if host in LOOPBACK_NAMES:
        return True
    try:
        ip = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection or name lookup that would leave the machine fails the test."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guard(address: Any) -> None:
        if not is_loopback(address):
            raise AssertionError(f"a test tried to reach {address!r}: only loopback is allowed")

    def checked_connect(self: socket.socket, address: Any) -> None:
        guard(address)
        return connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        guard(address)
        return connect_ex(self, address)

    def checked_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not is_loopback((name,)) and not str(name).endswith(".localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "name lookups are off in tests")
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", checked_getaddrinfo)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, proxy or home folder of the person who runs the tests is visible, and no key of another test."""
    monkeypatch.setattr(logs._of_process, "secrets", set())
    for name in list(os.environ):
        if name.upper().startswith(LEAKY_VARIABLES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BYOK_BENCH_HOME", str(tmp_path / "byok-home"))


@pytest.fixture(autouse=True)
def _no_keyring() -> Iterator[None]:
    """The keyring fails unless a test brings one."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    yield
    keyring.set_keyring(before)
