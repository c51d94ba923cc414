"""The same requests to two endpoints, direct and through a proxy: `pairs` sends them, `outlines` says what each answer
is made of, `changes` what the second side made of the first.
"""
