"""The Messages API: `dialect.MessagesDialect`, on top of ../typed_events.

`assembly` merges the events of a stream into `blocks`; `output` makes an Output, a finish reason
and token counts of them, streamed or whole.

Inside: `blocks`.
"""
