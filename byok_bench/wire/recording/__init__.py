"""Recording: what is written down while bytes arrive, and when to stop.

`recorder` writes a RawExchange, `body_meters` hold the size limits, `terminators` know a stream's last event;
`loop_lag` marks the exchanges during which the event loop stood still.

Inside: `body_meters`.
"""
