"""What a sample expects of its answers, as data, and whether the record meets it.

`texts`, `calls`, `rounds` and `token_usage` hold the expectations, `expected` what they look at, `judging` the list of
all and the outcome of a sample.
"""
