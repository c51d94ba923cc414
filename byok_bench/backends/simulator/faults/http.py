"""Faults of HTTP: pages, redirects, labels, buffers."""

from byok_bench.backends.simulator.faults.errors import make_reply_step
from byok_bench.backends.simulator.faults.fault import enter_behaviour, fault, widen
from byok_bench.backends.simulator.reply import Reply
from byok_bench.backends.simulator.visit import Visit

_PAGE = b"<!doctype html><html><head><title>Welcome</title></head><body><div id=app></div></body></html>"


def _make_page() -> Reply:
    return Reply(200, {"content-type": "text/html; charset=utf-8"}, raw=_PAGE)


def _make_redirect() -> Reply:
    # A name that exists nowhere (RFC 6761): a client that follows is sent to nobody's server.
    return Reply(
        307,
        {"location": "https://elsewhere.invalid/v1/chat/completions", "content-type": "text/plain"},
        raw=b"",
    )


enter_behaviour("http.html-200", "every answer is a web page", route=None, after=make_reply_step(_make_page))
enter_behaviour("http.redirect", "every request is redirected", route=None, after=make_reply_step(_make_redirect))


@fault("http.json-content-type", "JSON answers are labelled text/plain", "document")
def json_content_type(visit: Visit) -> None:
    if not visit.is_stream:
        visit.reply.headers["content-type"] = "text/plain; charset=utf-8"


@fault("http.leading-blanks", "blank lines come before the JSON", "document")
def leading_blanks(visit: Visit) -> None:
    """A heartbeat for proxies while the model thinks."""
    if not visit.is_stream:
        visit.reply.raw = b"\n         \n\n" + visit.reply.encode_body()


widen("http.leading-blanks", ("responses", False), ("messages", False), after=leading_blanks)


@fault("http.buffered", "a proxy holds the stream back until it is complete", "stream")
def buffered(visit: Visit) -> None:
    visit.reply.is_late = True


@fault("http.anti-buffering", "no header keeps proxies from buffering", "stream")
def anti_buffering(visit: Visit) -> None:
    for name in ("cache-control", "x-accel-buffering"):
        visit.reply.headers.pop(name, None)


def enable_stream(visit: Visit) -> None:
    """Stream whether asked or not."""
    if visit.body is not None:
        visit.body["stream"] = True


enter_behaviour("http.stream-default", "answers are streamed unasked", before=enable_stream)
