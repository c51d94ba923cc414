"""From what a server sent to a Failure (the value is in wire/failures.py; transport failures are made there).

`classification` makes it, by the ordered `kind_rules` and `word_lists` (word_lists.toml); `error_body` and `envelopes`
(envelopes.toml) find the error, `missing_answers` and `unframed_errors` where none was framed as one.
`retry_after` with `durations` reads the delay, `redirect_location` shows where a redirect points,
`oversized_requests` knows what waiting does not help.

Inside: `kind_rules`, `oversized_requests`, `retry_after`, `word_lists`.
"""
