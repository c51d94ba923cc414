"""The body of an answer: content coding undone, media type parsed, one JSON document if it is one.

Shared by all dialects and by the rules. What the document means is not in here.
"""

import re
from functools import cached_property
from typing import Any, Final

from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed
from byok_bench.wire.bodies.content_coding import decode_content, find_odd_codings, read_codings
from byok_bench.wire.limits import DEFAULT_LIMITS
from byok_bench.wire.raw_exchange import Chunk, RawExchange

EVENT_STREAM: Final = "text/event-stream"
_HTML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)", re.IGNORECASE)
_CHARSET: Final = re.compile(r""";\s*charset\s*=\s*["']?([^"';\s]*)""", re.IGNORECASE)
_BOM: Final = b"\xef\xbb\xbf"


class Body:
    """The body of one recorded exchange, read once."""

    def __init__(self, raw: RawExchange) -> None:
        head = raw.head
        content_type = (head.get_header("content-type") if head else None) or ""
        charset = _CHARSET.search(content_type)
        self.media_type = content_type.partition(";")[0].strip().lower()
        """Lower case, without parameters; empty if the header is missing."""
        self.charset = charset[1] if charset else None
        """The charset parameter without quotes, as sent."""
        self.codings = read_codings(head.get_header("content-encoding") if head else None)
        """Content codings other than identity."""
        self.odd_codings = find_odd_codings(head.get_header("content-encoding") if head else None)
        """What Content-Encoding names that is no coding, and was read as identity."""
        good = head is not None and 200 <= head.status < 300
        most = DEFAULT_LIMITS.stream_bytes if good else DEFAULT_LIMITS.error_read_bytes
        plain = decode_content(raw.chunks, self.codings, most)
        self.problem = plain.problem
        """Why the content coding could not be undone."""
        self.chunks = plain.chunks if plain.problem is None else _read_undecodable(raw, good=good)
        """Timed chunks without content coding."""
        self.over_limit = plain.is_over_limit
        """Longer than a stream may be; the chunks end there."""
        self.data = b"".join(data for _, data in self.chunks)
        """All of it."""

    @cached_property
    def document(self) -> Any:
        """The value if the body is one JSON object or array (one BOM aside), else a `Malformed`."""
        text = self.data.removeprefix(_BOM).strip(b" \t\r\n")
        if text[:1] not in (b"{", b"["):
            return Malformed("syntax", "the body is no JSON object or array")
        return bounded_json.decode_json(text.decode("utf-8", "replace"))

    @property
    def is_html(self) -> bool:
        """Whether it is a page: labelled so and not blank, or starting like one."""
        labelled = self.media_type == "text/html" and bool(self.data.strip())
        return labelled or _HTML.match(self.data) is not None


def _read_undecodable(raw: RawExchange, *, good: bool) -> list[Chunk]:
    """What is read of a coding that cannot be undone: nothing, unless an error's bytes are JSON as they came.

    How much came out before the fault would depend on where the bytes were cut, and compressed bytes are no text.
    """
    if good:
        return []
    document = bounded_json.decode_json(b"".join(data for _, data in raw.chunks))
    return [] if isinstance(document, Malformed) else raw.chunks
