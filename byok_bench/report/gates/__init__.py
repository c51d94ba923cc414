"""Gates: rules over a run that end pass, fail or undecided, each with its numbers and one sentence.

`rules` is what may be asked, `rule_files` how it is written, `metrics` the names of numbers, `observations` what is
known of each exchange, `baselines` what it is held against, `estimates` the numbers with their intervals,
`judgements` the decision, `judged_rules` what comes of it, `sentences` its words, `verdicts` all of it: bb.gate.
`junit` and `github` are for machines that build.
"""
