"""`base`, and what differs in `development`, `testing` and `production`."""
