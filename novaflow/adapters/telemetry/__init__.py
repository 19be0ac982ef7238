"""Metrics and traces; each module imports an optional library, so modules are imported one by one."""
