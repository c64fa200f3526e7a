"""Predictions scored against a private truth, and the boards that rank them."""
