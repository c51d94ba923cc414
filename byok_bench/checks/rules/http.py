"""Rules about the HTTP answer around the payload: pages, redirects, labels, caching. Probes are elsewhere."""

from collections.abc import Iterator
from typing import Final

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.body import EVENT_STREAM
from byok_bench.dialects.failures.redirect_location import render_location

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_JSON: Final = "application/json"
_BLANKS: Final = b" \t\r\n"


@check("http.html-200", ERROR, applies_to="any", alone=True)
def html_200(seen: SeenExchange) -> Iterator[Hit]:
    """Do not answer API calls with HTML.

    Rule: a 2xx answer has no body of media type text/html, and none that starts with <!doctype html or <html.
    The kind is protocol, and nothing else is reported.
    Why: somebody forgot /v1 and reached the provider's home page; the client shows a reply without text.
    Seen in: JuiceBoxxGames/utsuwa#67; EleutherAI/lm-evaluation-harness#2863
    """
    if seen.is_success and seen.body.is_html:
        title = seen.failure.message[:200] if seen.failure is not None else ""
        yield Hit(f"status {seen.status} with a page: {title}", offset=0)


@check("http.leading-blanks", INFO, applies_to="chat-whole", also=("responses-whole", "messages-whole"))
def leading_blanks(seen: SeenExchange) -> Iterator[Hit]:
    """Begin a whole answer at once.

    Rule: the body of a whole answer begins with its JSON, and not behind blank lines that keep the connection alive.
    Why: a client that looks at the first byte, or reads JSON as it comes, takes the answer for begun and waits; the
    time to the first byte says nothing.
    Seen in: https://openrouter.ai/docs/api-reference/streaming; neilberkman/req_llm test/support/fixtures/openrouter
    """
    if seen.is_success and seen.is_json:
        blanks = len(seen.body.data) - len(seen.body.data.lstrip(_BLANKS))
        lines = seen.body.data[:blanks].count(b"\n")
        if lines:
            yield Hit(f"the JSON comes behind {lines} blank lines", offset=0)


@check("http.redirect", ERROR, applies_to="any")
def redirect(seen: SeenExchange) -> Iterator[Hit]:
    """Do not redirect API calls.

    Rule: the status is none of 301, 302, 303, 307 and 308. A redirect is not followed, its kind is redirect,
    and the message names the Location.
    Why: on the way a POST may become a GET, and most clients leave the key behind when the host changes.
    Seen in: psf/requests#5494; songquanpeng/one-api#533
    """
    if seen.status in _REDIRECTS and seen.head is not None:
        location = seen.head.get_header("location")
        where = render_location(location, seen.raw.request.url) if location else "nowhere: no Location"
        yield Hit(f"status {seen.status} points to {where[:300]}")


@check("http.json-content-type", WARN, applies_to="chat")
def json_content_type(seen: SeenExchange) -> Iterator[Hit]:
    """Serve JSON as application/json.

    Rule: the media type of a 2xx answer that is one JSON document, and not meant as a stream, is
    application/json; parameters and case do not matter.
    Why: a document that is labelled as an event stream goes to the wrong parser.
    Seen in: decolua/9router#3492
    """
    if not seen.is_success or not seen.is_json or seen.chat_reading is None:
        return
    shape, media_type = seen.chat_reading.shape, seen.body.media_type
    meant_as_stream = seen.is_stream_requested and shape not in ("ignored", "error")
    if meant_as_stream or (seen.is_stream_requested and shape == "error" and media_type == EVENT_STREAM):
        return
    if media_type != _JSON:
        yield Hit(f"JSON with media type {media_type or '(none)'}")


@check("http.anti-buffering", INFO, applies_to="chat-stream")
def anti_buffering(seen: SeenExchange) -> Iterator[Hit]:
    """Send no-buffer headers.

    Rule: the head of an event stream tells proxies to pass it on: by no-cache in Cache-Control, or by
    X-Accel-Buffering: no.
    Why: nginx with its defaults collects the stream.
    Seen in: ggml-org/llama.cpp#24774
    """
    if seen.chat_stream is None or seen.head is None:
        return
    caching = (seen.head.get_header("cache-control") or "").lower()
    buffering = (seen.head.get_header("x-accel-buffering") or "").strip().lower()
    if "no-cache" not in caching and buffering != "no":
        yield Hit("neither Cache-Control: no-cache nor X-Accel-Buffering: no")
