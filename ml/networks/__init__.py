"""The networks of the survey's systems: what they see of a hand, what they estimate, and their weights."""
