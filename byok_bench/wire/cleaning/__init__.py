"""Cleaning: what is kept of an exchange holds no secret. Rules: docs/secrets.md.

`records` cleans headers, URL, bodies and whole records; `key_edits` finds keys in the body of a good answer, spread
over events too (`delta_threads` says which strings belong together); `short_bodies` shortens an error's.

Inside: `delta_threads`, `key_edits`, `short_bodies`.
"""
