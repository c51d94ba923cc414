"""What a notebook shows: forms and live views. A widget renders state and calls the layers below.

`endpoint_form` and its parts, `run_view`, and tables and evidence as HTML.
"""
