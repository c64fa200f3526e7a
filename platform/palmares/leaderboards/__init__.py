"""Leaderboards: ranks, comparisons, plots and exports of scores, and the pages that show them."""
