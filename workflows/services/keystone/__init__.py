"""keystone: users, projects, tokens and the catalog of services."""
