"""What the bytes mean.

`dialect.find_dialect(schema)` builds requests and reads records, `exchange.Exchange` is what comes of it, on demand
and once: `output`, failure, `timing`, events. `chat`, `responses`, `messages` and `model_list` are the dialects;
`typed_events` is what responses and messages share, `failures` makes a Failure of what a server sent. In all of them:
`body`, `answer` (what rules look at), `tool_calls`, `token_counts`, and values as servers write them: `json_values`,
`fragments`, `server_text`.
"""
