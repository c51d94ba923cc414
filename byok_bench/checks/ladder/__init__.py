"""The check ladder: rungs from parsing the URL to a second tool turn.

`climb.ladder` climbs them, `rungs` has what each asks and judges, `report` is what comes back, `capabilities` what it
shows that a model can do.

Inside: `rungs`.
"""
