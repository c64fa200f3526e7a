"""Whose hands: subjects, and the shapes of their hands."""
