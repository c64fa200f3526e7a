"""One person's hand shape from a few pictures, and the networks that know it (Kong et al., ECCV 2022)."""
