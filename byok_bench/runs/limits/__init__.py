"""How much an endpoint lets through, and how long it may be silent: found by asking, within a bound that is stated.

`search` finds the limits within `bounds` and `limits_map` is what comes back; `silences` finds after how long a
silence is cut, and `saving` keeps limits in the book; `told_budgets` reads what headers tell.

Inside: `concurrency`, `drains`, `header_truth`, `rates`, `shots`.
"""
