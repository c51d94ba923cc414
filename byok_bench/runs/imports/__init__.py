"""Results of other tools as runs of ours: what their files say (a module a tool), and how it is stored."""
