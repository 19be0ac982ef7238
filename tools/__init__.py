"""Programs that write pages and schemas in docs/."""
