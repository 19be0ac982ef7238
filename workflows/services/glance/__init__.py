"""glance: the images that servers boot from."""
