"""What is to be done, as data: no clock, no socket, no file but the plan's own.

`plan` has Plan, Target, Job and the plan keys; `plan_file` reads TOML (`toml_lines` names the line of a mistake);
`load_patterns` says how many at once or a second, `blocks` what comes after what, `retries` what is tried again;
`seals` tell extra header and query values apart without keeping them.
"""
