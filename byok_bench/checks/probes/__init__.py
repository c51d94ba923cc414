"""Probes: rules that send requests of their own.

`probe` says what one is, `prober` sends, `bodies` and `body_translation` write requests in each dialect; the probes
stand by group in `tools`, `errors`, `delivery` and `turns`.

Inside: `arrivals`, `delivery`, `errors`, `tools`, `turns`.
"""
