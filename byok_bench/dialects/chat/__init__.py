"""Chat completions: `dialect.ChatDialect` tells what came back, and gives it to the reader that it needs.

`request` is what was asked for; a stream goes through `stream`, `events` (`common_events` is its short way),
`assembly`, `deltas` and `content_parts`; an answer that is no stream through `whole_answer` and the same assembly.
`output` makes the Output of both. Fragments of tool calls are merged in ../tool_calls.py.

Inside: `common_events`, `content_parts`, `events`, `output`, `stream`, `whole_answer`.
"""
