"""Whole tools against the server with its own clock: what each reports, what it costs, which faults it notices."""
