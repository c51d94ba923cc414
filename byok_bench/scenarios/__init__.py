"""Agent tasks as data, and what plays them.

A task: `scenario` (the types), `scenario_file`, `scenario_rules`, `misfits` (how it is read, and refused), `selection`
(which are meant), library/GROUP/*.toml, `format_schema`, `drafts` (prompts of one's own), `costs`.
Its tools: `tools`, `own_tools`, `toolbox`, and the room `environments`. Its long texts: `fill`, `fill_text`, `prose`.
Playing it: `conversation` (what follows upon an answer), `phrasing` (how a request is worded), `agent` (the loop).
Judging it: the room `expectations`, `schema_fit`, `schema_keywords`. Proving it: `solutions`, `scripts`, `proofs`.
Request files of other verifiers: `request_lines`. How each dialect words a request: the room `wording`.
"""
