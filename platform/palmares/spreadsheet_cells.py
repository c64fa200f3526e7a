"""Text of people in CSV files that are opened in spreadsheets."""

from __future__ import annotations


def plain_cell(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
