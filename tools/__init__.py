"""Programs that write generated files; `python -m tools` writes all of them."""
