"""Secret: every way to show it shows nothing, one method gives the value."""

import copy
import dataclasses
import inspect
import json
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import rich.pretty
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.secret import Secret
from byok_bench.errors import SecretError
from byok_bench.redact import REDACTED

KEY = "sk-never-shown-0123456789"


@dataclasses.dataclass
class Holder:
    """A user's own class around a key."""

    key: Secret


WAYS: dict[str, Callable[[Secret], Any]] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret} {secret!r:>40} {secret:x}",
    "percent": lambda secret: "%s" % secret,  # noqa: UP031
    "html": lambda secret: secret._repr_html_(),
    "vars": vars,
    "dict": lambda secret: secret.__dict__,
    "members": inspect.getmembers,
    "container": lambda secret: {"a": [secret]},
    "pprint": lambda secret: pprint.pformat([secret]),
    "rich": lambda secret: rich.pretty.pretty_repr({"key": secret}),
    "pickle": pickle.dumps,
    "pickled copy": lambda secret: pickle.loads(pickle.dumps(secret)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "json": lambda secret: json.dumps(secret, default=str),
    "msgspec": lambda secret: msgspec.json.encode(secret, enc_hook=str),
    "dataclass": lambda secret: (Holder(secret), dataclasses.asdict(Holder(secret))),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_secret_shows_nothing_of_itself(way: Callable[[Secret], Any]) -> None:
    """No way of printing, inspecting, copying or serialising gives the key."""
    assert KEY not in str(way(Secret(KEY)))
    assert KEY not in repr(way(Secret(KEY)))


def test_plain_json_refuses_a_secret() -> None:
    """Without a hook that asks for its text, a secret is not serialised at all."""
    with pytest.raises(TypeError):
        json.dumps({"key": Secret(KEY)})


def test_the_one_method_gives_the_key() -> None:
    """reveal() gives the key, trimmed; a copy in this process still has it."""
    assert Secret(f" \ufeff{KEY}\u200b\n").reveal() == KEY
    assert copy.deepcopy(Secret(KEY)).reveal() == KEY


def test_an_unpickled_secret_is_empty() -> None:
    """What travelled by pickle says that it is no key, instead of sending `[redacted]` to a server."""
    with pytest.raises(SecretError, match="empty"):
        pickle.loads(pickle.dumps(Secret(KEY))).reveal()


def test_secrets_are_compared_by_identity() -> None:
    """Neither equality nor hash tells anything about the value."""
    assert Secret(KEY) != Secret(KEY)
    assert len({Secret(KEY), Secret(KEY)}) == 2


@pytest.mark.parametrize("text", ["", "  ", "ab", "sk-a b-cdefgh", "sk-a\r\nInjected: 1", "sk-schlüssel", "sk-\x7fabc"])
def test_what_cannot_be_sent_is_refused(text: str) -> None:
    """A key is three or more printable ASCII characters without white space."""
    with pytest.raises(SecretError) as caught:
        KeyRef.session(text)
    assert caught.value.code == "key_malformed"


@given(st.text(min_size=8))
def test_a_refusal_shows_nothing_of_the_key(text: str) -> None:
    """Neither message nor the locals of our frames hold a refused key (IPython's verbose traceback prints both)."""
    secret = Secret(text)
    if secret.find_problem() is None:
        return
    with pytest.raises(SecretError) as caught:
        KeyRef.session(text)
    assert text not in str(caught.value)
    ours = [frame for frame, _ in traceback.walk_tb(caught.tb) if "byok_bench" in frame.f_code.co_filename]
    assert ours
    assert not any(value == text for frame in ours for value in frame.f_locals.values())


@pytest.mark.parametrize("dummy", ["EMPTY", "none", "ollama", "lm-studio"])
def test_the_usual_dummies_are_keys_that_nobody_hides(dummy: str) -> None:
    """A placeholder is sent as a key, and is no secret."""
    assert Secret(dummy).reveal() == dummy
    assert Secret(dummy).is_dummy
    assert not Secret(KEY).is_dummy


def test_redacted_is_what_is_shown() -> None:
    """The text is the same as redact's."""
    assert f"{Secret(KEY)}" == REDACTED
