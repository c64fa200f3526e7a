"""A person's hand from a few pictures, and networks that take it as known (Kong et al., ECCV 2022)."""
