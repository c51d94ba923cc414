"""Framing of streams: media type, events, and how the stream ends."""

from collections.abc import Iterator

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.registry import TYPED_STREAMS, WHOLE, check
from byok_bench.checks.seen_exchange import SeenExchange, report_fact
from byok_bench.dialects.body import EVENT_STREAM
from byok_bench.wire.raw_exchange import OPEN_AFTER_DONE


@check("stream.content-type", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def content_type(seen: SeenExchange) -> Iterator[Hit]:
    """Serve streams as text/event-stream.

    Rule: a 2xx answer to stream: true that is read as a stream has the media type text/event-stream, in any
    case and with any parameters; no header at all breaks it too. One JSON document or a page is another finding.
    Why: event-source libraries refuse every other type; aichat could not talk to an Azure gateway at all.
    Seen in: sigoden/aichat#651; huggingface/chat-ui#430; nearai/private-ml-sdk#20
    """
    framed = seen.answer_reading is not None and seen.answer_reading.shape in ("stream", "not-sse")
    if framed and seen.body.media_type != EVENT_STREAM:
        given = seen.body.media_type
        yield Hit(f"the media type is {given!r}" if given else "there is no Content-Type header")


@check("stream.charset", WARN, applies_to="chat-stream", also=TYPED_STREAMS)
def charset(seen: SeenExchange) -> Iterator[Hit]:
    """Declare no charset but UTF-8.

    Rule: a charset parameter of Content-Type says utf-8, in any case, quoted or not. The body is read as UTF-8
    whatever it says.
    Why: a client that believes the parameter shows mojibake for every letter beyond ASCII.
    Seen in: https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    given = seen.body.charset
    if seen.event_stream and given is not None and given.lower() != "utf-8":
        yield Hit(f"the charset is {given!r}; event streams are UTF-8")


@check("stream.done-terminator", WARN, applies_to="chat-stream")
def done_terminator(seen: SeenExchange) -> Iterator[Hit]:
    """End the stream with data: [DONE].

    Rule: an event whose trimmed data is [DONE] comes last. Reported where the body ended without it, no error
    was sent and every choice that was started has a finish_reason; else the stream counts as truncated.
    Why: whoever waits for the sentinel hangs, or files a good run under aborted (inference-benchmarker
    against ik_llama.cpp).
    Seen in: ikawrakow/ik_llama.cpp#467; huggingface/text-generation-inference#1896
    """
    stream = seen.chat_stream
    if stream and stream.closing in ("eof", "reset") and stream.is_finished:
        yield Hit("all choices are finished, but the body ended without data: [DONE]", _find_last_event(seen))


@check("stream.after-done", WARN, applies_to="chat-stream")
def after_done(seen: SeenExchange) -> Iterator[Hit]:
    """Send nothing after [DONE].

    Rule: no event with data follows the sentinel in the same body. What follows is not read, usage included.
    Why: the OpenAI SDKs close the stream at the sentinel: usage or text behind it never reaches the caller.
    Seen in: openai/openai-python src/openai/_streaming.py
    """
    yield from report_fact(seen.chat_stream, "after_done", "data follows [DONE]")


@check("stream.open-after-done", INFO, applies_to="chat-stream", also=TYPED_STREAMS)
def open_after_done(seen: SeenExchange) -> Iterator[Hit]:
    """Close the response after its last event.

    Rule: the body ends within a second of [DONE], or of the terminal event of Responses and Messages. The exchange is
    complete there either way.
    Why: connections that stay open use up the pool of every client.
    Seen in: diegosouzapw/OmniRoute#6777; openai/codex#43140
    """
    if seen.event_stream is None or OPEN_AFTER_DONE not in seen.raw.flags:
        return
    if seen.typed_reading is not None and seen.typed_reading.end_event is not None:
        end = seen.typed_reading.end_event
        yield Hit(f"the body was still open a second after {end.type}", end.event)
    elif seen.chat_stream is not None:
        yield Hit("the body was still open a second after [DONE]", seen.chat_stream.done_event)


@check("stream.truncated", ERROR, applies_to="chat-stream")
def truncated(seen: SeenExchange) -> Iterator[Hit]:
    """Finish every stream that was begun.

    Rule: after at least one chunk a body does not end without [DONE], an error, and a finish_reason for each
    choice that was started. A lost connection or incomplete HTTP framing is kind network, a clean end protocol.
    Why: half an answer looks like a whole one, and agents act on it.
    Seen in: LibreChat-AI/agents#493; NVIDIA/TensorRT-LLM#18289; BerriAI/litellm#42140
    """
    stream = seen.chat_stream
    if stream and stream.is_truncated:
        lost = "the connection was lost" if stream.closing == "reset" else "the body ended"
        open_ones = [choice.index for choice in stream.choices if choice.finish_reason is None]
        what = f"with choice {open_ones[0]} unfinished" if open_ones else "before any choice was started"
        yield Hit(f"{lost} {what}", _find_last_event(seen))


@check("stream.stall", ERROR, applies_to="chat-stream")
def stall(seen: SeenExchange) -> Iterator[Hit]:
    """Keep bytes coming until the end.

    Rule: until [DONE] or the end of the body no silence is longer than the idle limit; comments are bytes too.
    Kind timeout unless every choice that was started is finished. Stands for the findings of a missing end.
    Why: DeepSeek went silent halfway through a chain of thought and kept the connection; without a limit of
    their own, callers never came back.
    Seen in: deepseek-ai/DeepSeek-V3#1608; diegosouzapw/OmniRoute#6777
    """
    if seen.chat_stream and seen.chat_stream.closing == "stall":
        yield Hit("no byte came within the idle limit", _find_last_event(seen))


@check("stream.empty", ERROR, applies_to="chat-stream", also=TYPED_STREAMS, alone=True)
def empty(seen: SeenExchange) -> Iterator[Hit]:
    """Send at least one chunk.

    Rule: before its end or [DONE] a stream holds one event with a JSON object. Reported alone.
    Why: chat windows and agents take such an answer for a success with nothing in it.
    Seen in: iflytek/astron-agent#1568; vaadin/flow-components#9195
    """
    if seen.event_stream and seen.event_stream.is_empty:
        yield Hit("the stream ended without one chunk")


@check(
    "stream.not-sse",
    ERROR,
    applies_to="chat-stream",
    also=TYPED_STREAMS,
    alone=True,
    beside=("stream.content-type",),
)
def not_sse(seen: SeenExchange) -> Iterator[Hit]:
    """Frame streams as events, not as JSON lines.

    Rule: the body of a stream has a line with the field name data, unless it is blank, a page, one JSON answer
    or an error. Typical: a JSON object a line. Nothing is assembled from it.
    Why: to a parser of event streams none of the lines is data: the caller gets silence.
    Seen in: ollama/ollama#294; huggingface/chat-ui#1744
    """
    if seen.answer_reading and seen.answer_reading.shape == "not-sse":
        yield Hit("no line of the body is a data field", offset=0)


@check("stream.ignored", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def ignored(seen: SeenExchange) -> Iterator[Hit]:
    """Honour stream: true.

    Rule: a request for a stream is not answered with one whole answer (object chat.completion, or a message in a
    choice; a response or a message in the other dialects). It is read all the same.
    Why: a reader of streams looks for events, finds none, and hands on an empty answer.
    Seen in: mistralai/mistral-vibe#619; openclaw/openclaw#97474
    """
    if seen.answer_reading and seen.answer_reading.shape == "ignored":
        yield Hit("stream: true was answered with one JSON document", offset=0)


@check("stream.json-parse", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def json_parse(seen: SeenExchange) -> Iterator[Hit]:
    """Put valid JSON into every event.

    Rule: the joined data lines of an event are JSON, unless blank or [DONE]. An event that is not is skipped;
    a doubled data: prefix and glued events are repaired and reported as that.
    Why: one bad frame, such as data: : OPENROUTER PROCESSING, ends the run in the OpenAI SDK.
    Seen in: mnfst/llm-gateway#2053; Tencent/WeKnora#3570
    """
    yield from report_fact(seen.event_stream, "not_json", "the data is no JSON")


@check("stream.json-object", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def json_object(seen: SeenExchange) -> Iterator[Hit]:
    """Make every chunk a JSON object.

    Rule: the data of an event is no null, array, string, number or boolean. Such an event is skipped.
    Why: decoders with static types throw at the first null.
    Seen in: decolua/9router#1648
    """
    yield from report_fact(seen.event_stream, "not_an_object", "the data is JSON, but no object")


@check("stream.empty-data", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def empty_data(seen: SeenExchange) -> Iterator[Hit]:
    """Use comments as heartbeat, not empty data.

    Rule: no event has data that is empty or white space. Such an event is skipped.
    Why: for openai-python and the Vercel AI SDK the empty string is JSON to be parsed, and the failure ends
    the run.
    Seen in: caozhiyuan/copilot-api#88; netease-lcap/wave-agent#1326
    """
    yield from report_fact(seen.event_stream, "blank_data", "an event has blank data")


@check("stream.dataless-event", WARN, applies_to="chat-stream", also=TYPED_STREAMS)
def dataless_event(seen: SeenExchange) -> Iterator[Hit]:
    """Send no event without a data line.

    Rule: a block of lines that a blank line closes has a data line if it has an event, id or retry line. It is
    legal without one, and never dispatched; comments alone do not count.
    Why: openai-python and openai-node dispatch it all the same, parse nothing as JSON, and lose the run.
    Seen in: earendil-works/pi#8430; openai/openai-python src/openai/_streaming.py
    """
    stream = seen.event_stream
    if stream and stream.stream:
        for offset in stream.stream.dataless:
            if offset < stream.read_until:
                yield Hit("a block with event, id or retry has no data line", offset=offset)


@check("stream.event-separator", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def event_separator(seen: SeenExchange) -> Iterator[Hit]:
    """Put a blank line between events.

    Rule: an event does not hold several data lines that are JSON objects or [DONE] one by one, and no JSON when
    joined. They are read as events of their own.
    Why: back ends of GLM and Kimi glued tool call chunks together, and opencode failed on them.
    Seen in: anomalyco/opencode#27365; rexxars/eventsource-parser#31
    """
    yield from report_fact(seen.event_stream, "glued_events", "one event holds several payloads")


@check("stream.double-prefix", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def double_prefix(seen: SeenExchange) -> Iterator[Hit]:
    """Write the data: prefix once.

    Rule: the data of an event does not itself begin with data:. The inner prefix is taken off and the rest read.
    Why: a proxy that wraps events twice makes JSON parsers fail at the letter d.
    Seen in: openclaw/openclaw#97474
    """
    yield from report_fact(seen.event_stream, "double_prefix", "the data begins with another data:")


@check("stream.unterminated-event", WARN, applies_to="chat-stream", also=TYPED_STREAMS)
def unterminated_event(seen: SeenExchange) -> Iterator[Hit]:
    """Close the last event with a blank line.

    Rule: at a clean end no event is pending whose data is [DONE] or a JSON object. It is read all the same.
    Why: the standard discards such an event, so strict parsers lose the last chunk.
    Seen in: https://html.spec.whatwg.org/multipage/server-sent-events.html; assistant-ui/assistant-ui#4819
    """
    yield from report_fact(seen.event_stream, "unterminated_event", "no blank line closes the last event")


@check("stream.multiline-data", INFO, applies_to="chat-stream", also=TYPED_STREAMS)
def multiline_data(seen: SeenExchange) -> Iterator[Hit]:
    """Prefer one data line an event.

    Rule: an event may spread its JSON over several data lines, which are joined with LF; one line is safer.
    Why: a parser that takes each line for an event cannot read JSON that was indented for people.
    Seen in: SamSaffron/term-llm#454
    """
    yield from report_fact(seen.event_stream, "several_data_lines", "an event spreads its JSON over several data lines")


@check("stream.utf8", ERROR, applies_to="chat-stream", also=(*TYPED_STREAMS, *WHOLE))
def utf8(seen: SeenExchange) -> Iterator[Hit]:
    """Send valid UTF-8.

    Rule: the body up to [DONE], or the whole answer, is one sequence of UTF-8, wherever it is cut into packets. A bad
    sequence is read as U+FFFD, one for each maximal part; one that a lost connection cut is not held against the
    server.
    Why: tokens of single bytes that are sent apart arrive as broken characters.
    Seen in: mattn/tensai#110; api7/aisix#111
    """
    offset = seen.answer.bad_utf8_at if seen.answer else None
    if offset is not None:
        index = max((i for i, event in enumerate(seen.events) if event.offset <= offset), default=None)
        yield Hit(f"the bytes from offset {offset} on are no UTF-8", event=index, offset=offset)


@check("stream.bom", INFO, applies_to="chat-stream", also=TYPED_STREAMS)
def bom(seen: SeenExchange) -> Iterator[Hit]:
    """Begin the body without a BOM.

    Rule: a single U+FEFF in front is legal and is taken off; none at all is safer.
    Why: for a parser that does not know it, the first event has an unknown field name and is gone.
    Seen in: https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    if seen.event_stream and seen.event_stream.stream and seen.event_stream.stream.has_bom:
        yield Hit("the body begins with a BOM", offset=0)


@check("stream.line-endings", INFO, applies_to="chat-stream", also=TYPED_STREAMS)
def line_endings(seen: SeenExchange) -> Iterator[Hit]:
    """Prefer LF as line end.

    Rule: LF, CRLF and lone CR are all legal, in any mixture; LF is what every parser knows.
    Why: parsers that look for two LFs buffer a stream of CRLFs for ever.
    Seen in: hey-api/hey-api#3054; vercel/ai#6197; EdamAme-x/pentect#1438
    """
    ends = seen.event_stream.stream.line_ends if seen.event_stream and seen.event_stream.stream else ["LF"]
    if ends != ["LF"]:
        yield Hit(f"lines end with {' and '.join(ends)}")


@check("stream.event-name", INFO, applies_to="chat-stream")
def event_name(seen: SeenExchange) -> Iterator[Hit]:
    """Send chat chunks without event names.

    Rule: the event field of a chat stream is absent or says message; error is kept for errors. The data is
    read under any other name too.
    Why: a browser's handler for message never sees a named event.
    Seen in: https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    yield from report_fact(seen.chat_stream, "event_name", "an event has a name of its own")


@check("stream.content-encoding", WARN, applies_to="chat-stream", also=(*TYPED_STREAMS, *WHOLE))
def content_encoding(seen: SeenExchange) -> Iterator[Hit]:
    """Send event streams uncompressed.

    Rule: a stream has no Content-Encoding but identity. gzip and deflate are undone step by step; a coding that
    cannot be undone is kind protocol. A name that is no coding (none, utf-8, nothing at all) is read as identity, of
    a whole answer too, which may have a coding otherwise.
    Why: a compressor holds bytes back until it has enough of them, and nginx lets the tokens go all at once.
    Seen in: tower-rs/tower-http#419; Crosstalk-Solutions/project-nomad#798
    """
    framed = seen.answer_reading is not None and seen.answer_reading.shape in ("stream", "undecodable")
    if (framed or seen.answer is not None) and seen.body.odd_codings:
        named = ", ".join(map(repr, seen.body.odd_codings))
        yield Hit(f"Content-Encoding names {named}, which is no coding: the body was read as it came")
    if framed and seen.body.codings:
        yield Hit(seen.body.problem or f"the stream is compressed: {', '.join(seen.body.codings)}")


@check("stream.large-event", INFO, applies_to="chat-stream", also=TYPED_STREAMS)
def large_event(seen: SeenExchange) -> Iterator[Hit]:
    """Keep events small.

    Rule: an event may be larger than 64 KiB, and readers have to take 8 MiB; smaller ones are safer.
    Why: line readers with a buffer of 64 KiB give up on large tool arguments.
    Seen in: openai/openai-python src/openai/_streaming.py
    """
    yield from report_fact(seen.event_stream, "large_event", "an event is larger than 64 KiB")


def _find_last_event(seen: SeenExchange) -> int | None:
    """The last event, where there is one."""
    return len(seen.events) - 1 if seen.events else None
