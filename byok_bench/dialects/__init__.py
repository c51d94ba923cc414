"""What the bytes mean: `base.dialect(schema)` builds requests and reads records, `exchange.Exchange` is what
comes of it, on demand and once: output, failure, times, events.

chat, responses and messages are read in files of their own names; errors in error_body.py and classify.py.
"""
