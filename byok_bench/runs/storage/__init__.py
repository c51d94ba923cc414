"""The result file `bench.sqlite` (docs/storage.md).

`result_path` says where it lies, `result_file` opens it and has the one writer, `migrations` makes its tables;
`ledger`, `judged_rows`, `figure_blocks` and `circumstances` are the statements; `records` packs an exchange into
columns; `column_values` and `ascii_json` keep text that UTF-8 has no form for; `owner` names the process that sends.

Inside: `column_values`, `migrations`, `record_words`.
"""
