"""What an endpoint can do: features, each asked for with requests of its own and judged from the answers alone.

`catalogue` lists the features, `examination` sends what they ask, `report` is what comes back, `fallback` compares it
with an earlier record. What is asked and how it is judged is in `calls`, `formats`, `thinking`, `parameters`,
`identity`, `windows` and `images`.
"""
