"""The command line: one module a command, each with `add_command`; `main` puts them together.

`console` has exit codes and what is printed where, `option_rules` which options go together.
"""
