"""Subjects, motion and pictures of hands with their truth, all drawn from a seed."""
