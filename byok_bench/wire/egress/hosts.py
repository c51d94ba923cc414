"""Host syntax: one normalised spelling for a name, an IPv4 address, or an IPv6 address in brackets.

Used for the host of a URL and for the patterns of a policy. No ports, no DNS, no address classes.
Sources: UTS 46 non-transitional (idna), RFC 1123 labels with `_` added, the WHATWG rule that a host whose last
label is numeric is an IPv4 address.
"""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import msgspec

from byok_bench.wire.egress.addresses import Address, normalize_address
from byok_bench.wire.egress.reasons import EgressRefusal, UrlTrail

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WIDE_FULL_STOPS: Final = re.compile("[\u3002\uff0e\uff61]")
_MAX_NAME: Final = 253


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host as it will be called."""

    name: str
    """ASCII, lower case, no brackets, no trailing dot."""
    literal: Address | None = None
    """The address, where the host is one and not a name."""

    @property
    def subject(self) -> str:
        """What policy patterns are compared with: two spellings of one address give the same text."""
        return self.name if self.literal is None else str(normalize_address(self.literal))


def read_host(text: str, trail: UrlTrail) -> Host:
    """Normalise a host; raises EgressRefusal, and leaves what was read in `trail`."""
    if text.startswith("["):
        return _read_ipv6(text[1:-1], trail)
    if "%" in text:
        raise EgressRefusal("invalid_host", ": % has no place in it")
    if text.endswith("."):
        text = text[:-1]
        trail.notes.append("trailing_dot")
    if _WIDE_FULL_STOPS.search(text):
        raise EgressRefusal("confusable_host")
    labels = [_read_label(label) for label in text.split(".")]
    name = ".".join(labels)
    if not text.isascii():
        trail.notes.append("idna")
    if len(name) > _MAX_NAME:
        raise EgressRefusal("invalid_host", f": it is longer than {_MAX_NAME} characters")
    trail.host = name
    if not _NUMERIC_LABEL.fullmatch(labels[-1]):
        return Host(name=name)
    try:
        return Host(name=name, literal=IPv4Address(name))
    except ValueError:
        raise EgressRefusal("numeric_host") from None


def _read_ipv6(text: str, trail: UrlTrail) -> Host:
    if "%" in text:
        raise EgressRefusal("zone_id")
    try:
        literal = IPv6Address(text)
    except ValueError:
        raise EgressRefusal("invalid_host", ": only an IPv6 address goes in brackets") from None
    name = str(literal)
    if literal.ipv4_mapped:
        # Python 3.13 began to write these with dots; RFC 5952 URLs and older versions have hexadecimal.
        high, low = divmod(int(literal.ipv4_mapped), 0x10000)
        name = f"::ffff:{high:x}:{low:x}"
    trail.host = name
    return Host(name=name, literal=literal)


def _read_label(label: str) -> str:
    # str.lower() on other letters would turn the Kelvin sign into a plain k before anyone could see it.
    ascii_label = label.lower() if label.isascii() else _to_ascii(label)
    if not _LABEL.fullmatch(ascii_label):
        raise EgressRefusal("invalid_host", ": a label has 1 to 63 of a-z, 0-9, - and _, and no - at its ends")
    if ascii_label.startswith("xn--"):
        _check_encoded(ascii_label)
    return ascii_label


def _to_ascii(label: str) -> str:
    import idna

    try:
        mapped = idna.uts46_remap(label, std3_rules=False)
        if not mapped.isascii():
            return idna.alabel(mapped).decode()
    except UnicodeError:
        raise EgressRefusal("invalid_host", ": it holds characters that no host name may have") from None
    raise EgressRefusal("confusable_host")


def _check_encoded(label: str) -> None:
    import idna

    try:
        idna.ulabel(label)
    except UnicodeError:
        raise EgressRefusal("invalid_host", ": an xn-- label cannot be decoded") from None
