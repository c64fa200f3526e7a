"""Benchmarks, submissions, scores and leaderboards."""
