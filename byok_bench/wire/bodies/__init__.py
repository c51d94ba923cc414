"""Bodies: bytes of unknown origin, read without raising.

`content_coding` undoes gzip and deflate, `sse` reads events with their times, `event_payload` what the data of one
event holds, `bounded_json` a JSON text within the limits.
"""
