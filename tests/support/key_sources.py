"""What every source of keys promises: inherit `KeySourceContract` and give the fixture `source`."""

from collections.abc import Callable
from typing import Protocol

import msgspec
import pytest

from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.secret import Secret
from byok_bench.errors import SecretError

KEY = "sk-source-0123456789abcdef"
OTHER = "sk-other-fedcba9876543210"


class Source(Protocol):
    """One way of keeping keys, as a test sees it."""

    ref: KeyRef
    """A reference under which nothing is kept yet."""

    def put(self, value: str) -> None:
        """Keep `value` under the reference, unchecked, by other means than ours where there are any."""

    stores: bool
    """Whether KeyRef.store and KeyRef.forget work on it."""


class KeySourceContract:
    """The tests; subclasses add a fixture `source`."""

    def test_gives_the_key_that_was_put(self, source: Source) -> None:
        """What stands in the source is what is sent, without white space at its ends."""
        source.put(KEY)
        assert reveal(source.ref) == KEY

    def test_sees_a_replaced_key(self, source: Source) -> None:
        """The source is asked each time: a key changed meanwhile is the one that is sent."""
        source.put(KEY)
        reveal(source.ref)
        source.put(OTHER)
        assert reveal(source.ref) == OTHER

    def test_a_missing_key_says_what_is_missing(self, source: Source) -> None:
        """Nothing there is a SecretError for people and programs, and no other exception."""
        with pytest.raises(SecretError, match="no key") as caught:
            source.ref.resolve()
        assert caught.value.code == "key_missing"

    @pytest.mark.parametrize("bad", ["sk-with space-in-it", "sk-line\nbreak-in-it", "sk-ümlaut-in-it", "ab"])
    def test_a_malformed_key_is_refused_without_echo(self, source: Source, bad: str) -> None:
        """What was put there by other means is checked when it is used, and not shown."""
        source.put(bad)
        with pytest.raises(SecretError) as caught:
            source.ref.resolve()
        assert caught.value.code == "key_malformed"
        assert bad not in str(caught.value)

    def test_an_explicit_key_comes_first(self, source: Source) -> None:
        """A key given to the call wins over the stored one."""
        source.put(KEY)
        assert revealed(source.ref.resolve(explicit=Secret(OTHER))) == OTHER

    def test_a_prompt_comes_last(self, source: Source) -> None:
        """The prompt is used where the source has nothing, and only there."""
        assert revealed(source.ref.resolve(ask=lambda: OTHER)) == OTHER
        source.put(KEY)
        assert revealed(source.ref.resolve(ask=never)) == KEY

    def test_the_reference_shows_nothing_of_the_key(self, source: Source) -> None:
        """Neither repr nor str nor JSON of a reference holds any part of the key."""
        source.put(KEY)
        shown = f"{source.ref!r} {source.ref} {msgspec.json.encode(source.ref)!r}"
        assert "0123456789" not in shown

    def test_the_reference_survives_being_written_down(self, source: Source) -> None:
        """The text in a file leads back to the same reference."""
        assert KeyRef.parse(str(source.ref)) == source.ref

    def test_a_stored_key_can_be_forgotten(self, source: Source) -> None:
        """store() keeps, forget() removes, and forgetting twice does no harm; other sources say they cannot."""
        if not source.stores:
            with pytest.raises(SecretError, match="cannot be stored"):
                source.ref.store(Secret(KEY))
            return
        source.ref.store(Secret(KEY))
        assert reveal(source.ref) == KEY
        source.ref.forget()
        source.ref.forget()
        with pytest.raises(SecretError, match="no key"):
            source.ref.resolve()

    def test_a_malformed_key_is_never_stored(self, source: Source) -> None:
        """store() refuses what could not be sent."""
        with pytest.raises(SecretError) as caught:
            source.ref.store(Secret("sk-two words"))
        assert "words" not in str(caught.value)


def reveal(ref: KeyRef) -> str:
    """The key that a reference leads to."""
    return revealed(ref.resolve())


def revealed(secret: Secret | None) -> str:
    """The key itself."""
    assert secret is not None
    return secret.reveal()


never: Callable[[], str] = lambda: pytest.fail("asked although the key is there")  # noqa: E731
