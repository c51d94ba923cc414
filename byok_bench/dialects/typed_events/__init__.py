"""What responses and messages share: streams of JSON objects that each name their type.

`dialect.TypedDialect` tells what came back and how a stream ended, `events` reads the framing, `request` what was asked
for, and `assembled_answer` is what the two dialects hand back.

Inside: `request`.
"""
