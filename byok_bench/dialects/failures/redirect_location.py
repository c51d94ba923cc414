"""Where a redirect points, as far as it may be shown (docs/egress.md, "Connecting").

Always the origin. The path too where it gives nothing away: on the origin that was asked, or where it is the
route that was asked for. Never a query, a fragment or credentials: they are for whom the server meant them.
"""

from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from byok_bench.dialects.server_text import strip_controls

_NOWHERE: Final = "an address that cannot be read"


def render_location(location: str, asked_url: str) -> str:
    """A Location header, relative ones resolved against the URL that was asked."""
    try:
        asked, target = urlsplit(asked_url), urlsplit(urljoin(asked_url, strip_controls(location)))
        same, origin = _to_origin(asked) == _to_origin(target), _to_origin(target)
    except ValueError:
        return _NOWHERE
    if not target.hostname:
        return target.path if not target.scheme else _NOWHERE
    harmless = same or target.path == "/" or _find_route(asked) == _find_route(target)
    return origin + target.path if harmless else origin


def _to_origin(url: SplitResult) -> str:
    """Scheme, host and port, without credentials. Raises ValueError for a port that is none."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme}://{host}{port}"


def _find_route(url: SplitResult) -> str:
    """The last segment of the path; empty for the root."""
    return url.path.rstrip("/").rpartition("/")[2]
