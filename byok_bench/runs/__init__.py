"""A run: a plan is made (planning), played (measuring), kept (storage), and read back as rows (judging) and figures.

`runner.run` and `runner.resume` do it all; `results.Run` is what is left of it; `progress` tells while it goes.
`resumption` finds the run to go on with, `start_conditions` says what must hold before anything is sent,
`cooldown` marks 429s of our own making. `judgement` keeps rows and their figures, in `judging_process` on all cores.

Inside: `judging_process`, `resumption`, `start_conditions`.
"""
