"""heat: stacks of resources, which a template describes."""
