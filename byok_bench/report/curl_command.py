"""A recorded request as a curl command that can be pasted: what was kept secret stands in it as `$NAME`."""

import re
import shlex
from collections.abc import Sequence
from typing import Final

from byok_bench.redact import REDACTED
from byok_bench.wire.raw_exchange import RawRequest

LEFT_TO_CURL: Final = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "user-agent", "x-request-id"}
)
"""Headers that curl sets itself, or that would make a second request look like the first."""
KEY_HEADERS: Final = {"authorization": "Bearer $KEY", "x-api-key": "$KEY", "api-key": "$KEY"}
"""Header of a key → how it is written."""


def render_curl_command(request: RawRequest, key_name: str) -> str:
    """The command; `key_name` is the variable in which the key is to be. Ends without a newline.

    A header that held another secret gets a variable of its own, named after it.
    """
    lines = [f"curl -sS -N -X {request.method} {_quote(request.url.replace(REDACTED, f'${key_name}'))}"]
    lines += [f"-H {_quote(f'{name}: {value}')}" for name, value in _list_headers(request.headers, key_name)]
    if request.body:
        lines.append(f"--data-binary {shlex.quote(request.body.decode(errors='replace'))}")
    return " \\\n  ".join(lines)


def _list_headers(headers: Sequence[tuple[str, str]], key_name: str) -> list[tuple[str, str]]:
    kept = []
    for name, value in headers:
        if name in LEFT_TO_CURL:
            continue
        if value == REDACTED:
            written = KEY_HEADERS.get(name, f"${re.sub('[^A-Z0-9]', '_', name.upper())}")
            kept.append((name, written.replace("$KEY", f"${key_name}")))
        else:
            kept.append((name, value))
    return kept


def _quote(text: str) -> str:
    """For a shell that fills in variables: only where there is one, and nothing else is filled in."""
    if not re.search(r"\$[A-Z]", text):
        return shlex.quote(text)
    return '"' + re.sub(r'(["\\`]|\$(?![A-Z]))', r"\\\1", text) + '"'
