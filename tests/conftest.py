"""House rules for every test: clean environment, own home, no keyring, no network but loopback."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backends.fail
import pytest

LOOPBACK_NAMES = {"localhost", "", None}
LEAKY_VARIABLES = ("OPENAI_", "ANTHROPIC_", "AZURE_", "OPENROUTER_", "BYOK_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


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
    """No key, proxy or home folder of the person who runs the tests is visible."""
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
