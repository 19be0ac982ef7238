"""Images that servers boot from."""
