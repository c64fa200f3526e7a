"""Training of the shipped weights, and the tables that say how good they are."""
