"""Bytes and time; nothing about models. `client.Client` sends one request and gives a `raw_exchange.RawExchange`.

`egress` says where it may go, `connections` carry it, `recording` stamps it, `bodies` reads bytes, `cleaning` takes
keys out. `failures` has the kinds, `limits` the clocks and sizes.

Inside: `stock_transport`.
"""
