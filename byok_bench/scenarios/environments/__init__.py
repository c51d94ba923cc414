"""Worlds in memory that tools look at and change: `cities`, `files`, `shell` and `store`, and what each of them is
(`environment`). The same calls on the same start state lead to the same state.
"""
