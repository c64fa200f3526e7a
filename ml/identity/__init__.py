"""Calibration of a person's hand shape from a few frames, and networks that use a known shape (Kong et al., ECCV 2022)."""
