"""Egress: may this URL be called, and at which addresses. Rules: docs/egress.md.

`verdicts.judge` decides about a base URL; `base_urls`, `hosts` and `addresses` read and classify its parts,
`policy_lists` the administrator's lists, `reasons` has the words. `resolver` judges off the event loop, with the
times of the lookup; `guard` stands before every request; `proxies` says which proxy is none.

Inside: `hosts`.
"""
