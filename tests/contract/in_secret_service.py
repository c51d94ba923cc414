"""The key source contract on a real Secret Service; test_key_sources.py runs this inside a session bus."""

import keyring
import pytest
from keyring.backends.SecretService import Keyring as SecretService
from support.key_sources import KeySourceContract

from byok_bench.endpoints.keys import KeyRef


class Entry:
    """One entry of the Secret Service."""

    stores = True

    def __init__(self) -> None:
        self.ref = KeyRef.keyring(user="contract")

    def put(self, value: str) -> None:
        """By the keyring's own means."""
        keyring.set_password(self.ref.service, self.ref.name, value)


class TestSecretService(KeySourceContract):
    """gnome-keyring over D-Bus."""

    @pytest.fixture
    def source(self) -> Entry:
        """Nothing stored yet."""
        keyring.set_keyring(SecretService())
        entry = Entry()
        entry.ref.forget()
        return entry
