"""Agent tasks as data (`scenario`, library/*.toml), their tools in memory (`tools`), the turn loop (`agent`),

the request bodies of each dialect (`phrasing`), and what is expected of the answers (`expectations`).
"""
