"""Making it happen: the only room that starts tasks."""
