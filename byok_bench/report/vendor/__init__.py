"""Vendor: candidates beside a reference that serves the same model, and the reference beside itself.

`answers` is what is read of each exchange, `metrics` what is estimated of a candidate, `comparison` the lines with
their verdicts, `tokens`, `details` and `ranking` what stands beside them, `frames` the DataFrame: bb.vendor.
`k2vv_files` writes what other people's scripts read.
"""
