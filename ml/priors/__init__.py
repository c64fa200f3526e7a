"""Priors of hand motion: what the joint angles of a window of 128 frames are likely to do."""
