"""A model server that keeps every rule of the wire format, breaks named ones on demand, and replays recordings.

An independent witness: it writes its bytes by hand and imports nothing of the layers it is used to test, only the
standard library and `backends.backend`. `server.Simulator` is the entry; `faults` and `profiles` say what can be
broken. No model runs in here: answers are made up from the request (answer.py).

Inside: `answer`, `ask`, `model_list`, `profiles`, `refusal`, `response_memory`, `routes`, `schema_values`,
`tool_choice`, `visit`.
"""
