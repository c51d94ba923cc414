"""What the head of nearly every record holds, so that only what differs takes room: a preset dictionary of zlib.

A file can be read only with the words that it was written with: these are never edited. Others would be another number
in front of what they packed (records.py). What is most frequent stands last, as zlib wants it (RFC 1950, 2.2).
"""

from typing import Final

WORDS: Final = (
    b'"retry-after","x-ratelimit-limit-requests","x-ratelimit-limit-tokens","x-ratelimit-remaining-requests",'
    b'"x-ratelimit-remaining-tokens","x-ratelimit-reset-requests","x-ratelimit-reset-tokens","anthropic-version",'
    b'"2023-06-01"],["x-api-key","[not kept]"],["set-cookie","[not kept]"],["strict-transport-security","[not kept]"],'
    b'["alt-svc","[not kept]"],["cf-cache-status","[not kept]"],["cf-ray","-FRA"],["vary","Origin"],["via","1.1 '
    b'"openai-processing-ms","openai-version","2020-10-01"],["content-encoding","gzip"],["keep-alive","timeout=5"],'
    b'"failure":{"kind":"timeout","phase":"body","message":"http/1.0 2'
    b' cancelled cut "end":"error","status":429,503,400,'
    b'GMT"],["server","uvicorn"],["server","cloudflare"],["date","Mon, 01 Jan 2026 00:00:00 GMT"],["content-length",'
    b'"request":{"id":"01234567-89ab-cdef-0123-456789abcdef","method":"POST","url":"https://api.127.0.0.1:8000'
    b'/v1/responses/v1/messages/api/v1/chat/completions","headers":[["accept","application/json, text/event-stream"],'
    b'["accept-encoding","identity"],["user-agent","byok-bench"],["authorization","[not kept]"],'
    b'["content-type","application/json"],["x-request-id","'
    b'"]],"body":""},"phases":{"start":,"dns_start":null,"dns_end":null,"connect_start":null,"connect_end":null,'
    b'"tls_end":null,"written":,"head":,"first_byte":,"done":null,"end":},"head":{"status":200,"http":"1.1","headers":'
    b'[["transfer-encoding","chunked"],["connection","keep-alive"],["content-type","application/json"],'
    b'["content-type","text/event-stream; charset=utf-8"],["cache-control","no-cache"],["x-accel-buffering","no"],'
    b'["server","byok-bench-simulator"],["x-request-id",""]],"received_s":17.0},"chunks":[],"end":"done",'
    b'"failure":null,"clock":"kernel","peer":"127.0.0.1","reused":true,"flags":[]}'
)
