"""The Responses API: `dialect.ResponsesDialect`, on top of ../typed_events.

`assembly` merges the events of a stream into `items`; `output` makes an Output, a finish reason
and token counts of them, streamed or whole.
"""
