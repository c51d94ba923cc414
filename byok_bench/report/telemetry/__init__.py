"""A stored run for a telemetry backend: spans of its exchanges, metrics over them, and the ways out.

The packages of the extra `otel` are imported in here alone.
"""
