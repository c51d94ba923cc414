"""Text that a server sent, made fit to be shown and searched: decoded, without controls, cut to size.

No JSON and no meaning in here. Nothing raises, whatever the bytes.
"""

import html
import re
from typing import Final

from byok_bench.wire.limits import DEFAULT_LIMITS

SEARCHED_CHARACTERS: Final = DEFAULT_LIMITS.error_read_bytes
"""How much of one text is kept for searching: as much as is read of an error body."""

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_HTML = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
# Not html.parser: it raises on some broken declarations and is quadratic in unclosed tags.
_TITLE = re.compile(r"<title\b[^<>]*>([^<]*)", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*(?:>|\Z)")
_BODY_CHARACTERS = 16_384
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[ -/]*[0-~])")
_LINE_ENDS = re.compile(r"\r\n?")
_BINARY = re.compile("\ufffd{2,}")
_LINES_AND_TABS = "\t\n"
_REMOVED: Final = {
    code: None
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
    if chr(code) not in _LINES_AND_TABS
}
"""C0 and C1 controls, marks that turn the direction of text, and byte order marks."""


def decode_text(body: bytes, content_type: str = "") -> str:
    """The body as text: UTF-8, else the charset it declares, else UTF-8 with replacement characters."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    declared = _CHARSET.search(content_type)
    for charset in ("utf-8", declared[1] if declared else "utf-8"):
        try:
            return body.decode(charset)
        except (LookupError, ValueError):
            continue
    return body.decode("utf-8", "replace")


def strip_controls(text: str) -> str:
    """The same words without terminal escapes, controls and lone surrogates; line breaks become LF."""
    text = text[:SEARCHED_CHARACTERS].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = _LINE_ENDS.sub("\n", _ESCAPES.sub("", text)).translate(_REMOVED)
    return _BINARY.sub("\ufffd", text).strip()


def is_html(text: str, content_type: str = "") -> bool:
    """Whether a body is a page: by its media type, or by how it starts."""
    return content_type.partition(";")[0].strip().lower() == "text/html" or bool(_HTML.match(text))


def read_html_words(text: str) -> str:
    """The title of a page; without one, the text of its body; "" if there is none."""
    found = _TITLE.search(text[:SEARCHED_CHARACTERS])
    title = " ".join(html.unescape(found[1]).split()) if found else ""
    if title:
        return strip_controls(title)
    visible = _TAG.sub(" ", _UNSEEN.sub(" ", text[:_BODY_CHARACTERS]))
    return strip_controls(" ".join(html.unescape(visible).split()))


def shorten_text(text: str, limit_bytes: int = DEFAULT_LIMITS.error_keep_bytes) -> str:
    """At most `limit_bytes` of UTF-8, marked with an ellipsis where it was cut."""
    data = text.encode()
    if len(data) <= limit_bytes:
        return text
    return data[: limit_bytes - 3].decode("utf-8", "ignore") + "…"
