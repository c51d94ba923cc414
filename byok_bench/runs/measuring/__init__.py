"""What plays the jobs, and in which process.

`work` is what one process has to play.
`executor` plays its blocks, in a `session` in this process, or by `process` in others, whose own side is `worker`;
`pipe_messages` is what they say to each other, `shared_purse` what they spend from together; `timed_sections` and
`event_loop` keep stamps undisturbed; `recovery` and `context_windows` are for over-long prompts.

Inside: `executor`, `worker`.
"""
