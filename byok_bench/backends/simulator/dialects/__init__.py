"""The three dialects of the simulator: how a request is read, and how a good answer is written.

`chat`, `responses` and `messages` fill one protocol: `read_ask(body)` gives what the body asks for or raises Refusal,
`write_reply(ask, answers)` gives the reply, streamed or whole. `response_object`, `response_events` and
`message_object` spell out the objects of the two typed ones.

Inside: `message_object`, `response_events`, `response_object`, `logprobs`.
"""
