"""What a run says: rows → tables as plain lines (`tables`), DataFrames, statistics, plots, the page, exports.

pandas and altair are loaded where a DataFrame or a plot is asked for.
"""
