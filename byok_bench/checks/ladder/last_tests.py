"""How the last test of each endpoint ended: `tests.json` beside the book, so that a list can say so tomorrow.

It holds ids, times and the name of a rung; no address, no key, nothing that a server said. A result counts only for
the address, dialect and model that were tested. A file that cannot be read is as good as none.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from byok_bench.checks.ladder.report import LadderReport
from byok_bench.endpoints.atomic_files import lock_file, write_atomically
from byok_bench.endpoints.endpoint import Endpoint

FILE_NAME: Final = "tests.json"
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


class LastTest(msgspec.Struct, frozen=True, kw_only=True):
    """How one test ended."""

    fingerprint: str
    """Of what was tested: address, dialect, model."""
    at: datetime
    """UTC."""
    failed_rung: str | None = None
    """None: nothing failed."""
    ttft_ms: float | None = None
    """Request written → first token, of the streaming rung."""

    @property
    def has_passed(self) -> bool:
        """No rung failed."""
        return self.failed_rung is None

    def describe(self, now: datetime) -> str:
        """`✔ 51 ms · 2 min`, `✘ chat · 1 h`."""
        if self.failed_rung:
            what = f"✘ {self.failed_rung}"
        else:
            what = "✔" if self.ttft_ms is None else f"✔ {self.ttft_ms:.0f} ms"
        return f"{what} · {describe_span((now - self.at).total_seconds())}"


class LastTests:
    """The last test of each endpoint, by config_key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)

    def find(self, endpoint: Endpoint) -> LastTest | None:
        """The last test of the endpoint as it is now; None if it was changed since, or never tested."""
        found = self._known.get(endpoint.config_key)
        return found if found is not None and found.fingerprint == _make_fingerprint(endpoint) else None

    def keep(self, endpoint: Endpoint, report: LadderReport) -> None:
        """Note how a test of it ended. Raises BookError if that cannot be written; it is known here all the same."""
        failure = report.first_failure
        test = LastTest(
            fingerprint=_make_fingerprint(endpoint),
            at=datetime.now(UTC).replace(microsecond=0),
            failed_rung=failure.name if failure else None,
            ttft_ms=report.ttft_ms,
        )
        self._known[endpoint.config_key] = test
        with lock_file(self._path):
            self._known = _read(self._path) | {endpoint.config_key: test}
            write_atomically(self._path, msgspec.json.encode(self._known).decode("ascii"))


def describe_span(seconds: float) -> str:
    """`12 s`, `2 min`, `5 h`, `3 d`: whole units of the largest that fits."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def _make_fingerprint(endpoint: Endpoint) -> str:
    models = endpoint.models[0].name if endpoint.models else ""
    told = "\n".join((endpoint.base_url, endpoint.schema, models, str(endpoint.key)))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _read(path: Path) -> dict[str, LastTest]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, LastTest])
    except (OSError, msgspec.DecodeError):
        return {}
