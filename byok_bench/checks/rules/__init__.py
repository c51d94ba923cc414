"""The passive rules, one function each, a file a group; the registry loads them.

They see a SeenExchange and yield hits. `responses_members` and `typed_answers` are what several of them ask.

Inside: every module.
"""
