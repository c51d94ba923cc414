"""Secret: the one object that holds a key while it is in memory, and what makes a text usable as a key.

Where keys come from is in keys.py; headers are built in credentials.py. Rules: docs/secrets.md.
Nothing here raises with a key among the locals of its frame: a verbose traceback prints those.
"""

from collections.abc import Callable
from typing import Any, Final

from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.errors import SecretError
from byok_bench.redact import REDACTED

DUMMIES: Final = frozenset(
    {
        "empty", "none", "null", "ollama", "lm-studio", "sk-no-key-required", "no-key-required", "no-key", "nokey",
        "not-needed", "not_needed", "notneeded", "not-required", "not_required", "unused", "dummy", "dummy-key",
        "fake", "fake-key", "fake-api-key", "placeholder", "n/a",
    }
)  # fmt: skip
"""What documentation and configurations of local servers put where a client insists on a key; no secret."""
SHORTEST_KEY: Final = 3


class Secret:
    """A key in memory. Every way to show it gives `[redacted]`; `reveal` alone gives the value.

    Compared and hashed by identity. A copy made by pickle is empty: keys do not travel that way.
    """

    # The value sits in a closure: no attribute, so inspection (rich, IPython, vars) has nothing to show.
    __slots__ = ("_open",)
    _open: Callable[[], str]

    def __init__(self, value: str) -> None:
        value = trim_ends(value) if isinstance(value, str) else ""  # refused as empty, and never shown
        self._open = lambda: value

    def reveal(self) -> str:
        """The key, for the place that builds a header and for the list of texts to redact.

        Raises SecretError if it is not one that can be sent; the message does not show it.
        """
        return self.check_sendable()._open()

    def check_sendable(self) -> "Secret":
        """This secret, if it can be sent. Raises SecretError with what is wrong, without the key."""
        if problem := self.find_problem():
            raise SecretError(problem, code="key_malformed")
        return self

    def find_problem(self) -> str | None:
        """Why this cannot be sent as a key, or None: printable ASCII without spaces, three characters or more."""
        value = self._open()
        if not value:
            return "the key is empty: enter it again"
        if len(value) < SHORTEST_KEY:
            return f"the key has fewer than {SHORTEST_KEY} characters: enter it again"
        if not all("\x21" <= character <= "\x7e" for character in value):
            return "the key holds a space, a line break or a character outside ASCII: copy it again, alone"
        return None

    @property
    def is_dummy(self) -> bool:
        """Whether it is one of the usual placeholders (`EMPTY`, `none`, `ollama`), which nothing redacts."""
        return self._open().lower() in DUMMIES

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return REDACTED

    def _repr_html_(self) -> str:
        return REDACTED

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """What vars() shows."""
        return {"value": REDACTED}

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        return Secret, ("",)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Secret":
        return self
