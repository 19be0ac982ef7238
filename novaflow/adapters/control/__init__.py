"""The supervisor's HTTP interface on a Unix socket."""
