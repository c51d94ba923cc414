"""Base-URL normalisation: one spelling for each base URL, or the reason why it is none.

Steps in a fixed order, the first failure names the reason. Written by hand because `urlsplit` deletes tabs and
line ends without a word, and cannot tell an empty query from none. Nothing is ever added to a path.
"""

import re
import unicodedata
from typing import Final

import msgspec

from byok_bench.wire.egress.hosts import Host, read_host
from byok_bench.wire.egress.reasons import EgressRefusal, UrlTrail

URL_REASONS: Final = frozenset(
    {
        "invalid_url", "url_too_long", "invalid_character", "missing_scheme", "scheme_not_allowed", "missing_host",
        "invalid_host", "numeric_host", "confusable_host", "zone_id", "bad_port", "userinfo_not_allowed",
        "query_not_allowed", "fragment_not_allowed", "invalid_path",
    }
)  # fmt: skip
"""Reasons for which a text is no base URL, whatever the policy."""
LONGEST_URL: Final = 2048
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
ROUTES: Final = ("/chat/completions", "/completions", "/embeddings", "/responses", "/messages", "/models")
"""Routes that people paste with the base URL; the longer of two endings first."""

_EDGES: Final = "\ufeff\u200b\u2060"
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zs", "Zl", "Zp"})
_UNSAFE: Final = frozenset('"<>\\^`{|}')
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_NAME_AND_PORT: Final = re.compile(r"[^:/?#]+:[0-9]+(?:[/?#]|$)")
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_DOT_SEGMENT: Final = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?=/|$)", re.IGNORECASE)
_BAD_ESCAPE: Final = re.compile(
    "%(?![0-9a-f]{2})"  # incomplete
    "|%[01][0-9a-f]|%7f|%c2%[89][0-9a-f]"  # control characters, the last ones as UTF-8
    "|%2f|%5c|%3f|%23",  # / \ ? #
    re.IGNORECASE,
)


class BaseUrl(msgspec.Struct, frozen=True, kw_only=True):
    """A base URL, normalised."""

    scheme: str
    """`http` or `https`."""
    host: Host
    port: int
    """The port that is dialled, given or by default."""
    path: str
    """Empty, or from a slash to something that is no slash."""
    notes: tuple[str, ...] = ()
    """What was changed, in the order of NOTES."""

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a key belongs to."""
        name = f"[{self.host.name}]" if ":" in self.host.name else self.host.name
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{name}{port}"

    def __str__(self) -> str:
        """The normalised text."""
        return self.origin + self.path


def read_base_url(url: object, trail: UrlTrail | None = None) -> BaseUrl:
    """Normalise a base URL; raises EgressRefusal, and leaves what was read until then in `trail`."""
    trail = UrlTrail() if trail is None else trail
    scheme, rest = _split_scheme(_read_characters(url, trail))
    authority = _AUTHORITY_END.split(rest, maxsplit=1)[0]
    tail = rest[len(authority) :]
    host_text, port_text = _split_authority(authority)
    if "@" in authority:
        raise EgressRefusal("userinfo_not_allowed")
    if "?" in tail:
        raise EgressRefusal("query_not_allowed")
    if "#" in tail:
        raise EgressRefusal("fragment_not_allowed")
    if not host_text:
        raise EgressRefusal("invalid_host", ": an IPv6 address goes in brackets, and only a port follows them")
    trail.port = DEFAULT_PORTS[scheme] if port_text is None else _read_port(port_text)
    host = read_host(host_text, trail)
    path = _read_path(tail, trail)
    return BaseUrl(scheme=scheme, host=host, port=trail.port, path=path, notes=tuple(trail.notes))


def trim_pasted_text(text: str) -> tuple[str, bool]:
    """A pasted value without white space, BOM and invisible spaces at its ends, and whether any was there."""
    start, end = 0, len(text)
    while start < end and _is_edge(text[start]):
        start += 1
    while start < end and _is_edge(text[end - 1]):
        end -= 1
    return text[start:end], end - start < len(text)


def _read_characters(url: object, trail: UrlTrail) -> str:
    if not isinstance(url, str):
        raise EgressRefusal("invalid_url")
    text, trimmed = trim_pasted_text(url)
    if trimmed:
        trail.notes.append("trimmed")
    if not text:
        raise EgressRefusal("invalid_url")
    if len(text) > LONGEST_URL:
        raise EgressRefusal("url_too_long")
    for at, char in enumerate(text):
        if char in _UNSAFE or _is_hidden(char):
            raise EgressRefusal("invalid_character", _describe_character(at, char))
    return text


def _split_scheme(text: str) -> tuple[str, str]:
    found = _SCHEME.match(text)
    if not found or _NAME_AND_PORT.match(text):
        raise EgressRefusal("missing_scheme")
    scheme, rest = found[1].lower(), text[found.end() :]
    if scheme not in DEFAULT_PORTS:
        raise EgressRefusal("scheme_not_allowed")
    if not rest.startswith("//"):
        raise EgressRefusal("invalid_url")
    return scheme, rest[2:]


def _split_authority(authority: str) -> tuple[str, str | None]:
    """Host (with its brackets) and port text, None without a colon; no host if colons or brackets are misplaced."""
    text = authority.rpartition("@")[2]
    if text.startswith("["):
        inside, bracket, after = text.partition("]")
        host, colon, port = inside + bracket, after[:1], after[1:]
        malformed = not bracket or colon not in ("", ":")
    else:
        host, colon, port = text.partition(":")
        malformed = ":" in port
    if not host and not malformed:
        raise EgressRefusal("missing_host")
    return "" if malformed else host, port if colon else None


def _read_port(text: str) -> int:
    port = int(text) if _PORT.fullmatch(text) else 0
    if not 1 <= port <= 65535:
        raise EgressRefusal("bad_port")
    return port


def _read_path(tail: str, trail: UrlTrail) -> str:
    if _DOT_SEGMENT.search(tail) or _BAD_ESCAPE.search(tail):
        raise EgressRefusal("invalid_path")
    shorter = tail.rstrip("/")
    route = next((route for route in ROUTES if shorter.endswith(route)), "")
    path = shorter.removesuffix(route).rstrip("/")
    if route:
        trail.notes.append("route_stripped")
    if len(path) + len(route) < len(tail):
        trail.notes.append("trailing_slash")
    if not path:
        trail.notes.append("hint_missing_v1")
    return path


def _is_edge(char: str) -> bool:
    return char.isspace() or char in _EDGES


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN


def _describe_character(at: int, char: str) -> str:
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'a control or unassigned character')}) at place {at + 1}"
