"""The wording of each dialect: `chat`, `responses`, `messages`.

What they share is in `request_members`, what one of them has no notion of in `gaps`, and the reasoning of an answer as
it is sent back in `echoes`.
"""
