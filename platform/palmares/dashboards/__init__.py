"""Dashboards: a team's named pages of panels over its uploads, runs and benchmarks."""
