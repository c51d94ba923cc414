"""Connections: our own HTTP/1.1 transport, from the socket up.

`connector` hands out a `connection`, new (`dialling`, `tls_sessions`) or kept (`idle_pool`); `socket_links` read and
stamp (`kernel_clock`), `http1` parses, `exchange_clocks` say when a silent or slow exchange is given up.
`tls_failures` tells what is wrong with a server's TLS.

Inside: `idle_pool`, `kernel_clock`, `socket_links`.
"""
