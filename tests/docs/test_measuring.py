"""The page about measuring names every bench, and the command refuses others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench.__main__ import ONLY_WHEN_NAMED, benches, chosen

ROOT = Path(__file__).resolve().parents[2]


def test_every_bench_is_on_the_page_and_nothing_else():
    named = re.findall(r"^\| `python -m tests\.bench (\w+)` \|", (ROOT / "docs/measuring.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(benches())
    assert set(named) >= {"storm", "recovery", "load", "pages", "viewer", "real", *ONLY_WHEN_NAMED}


def test_help_lists_what_each_measures(capsys):
    with pytest.raises(SystemExit, match="0"):
        chosen(["--help"])
    printed = capsys.readouterr().out
    for name, text in benches().items():
        assert text
        assert f"  {name:<10} {text.split()[0]}" in printed


def test_an_unknown_name_is_refused_and_known_ones_are_named(capsys):
    with pytest.raises(SystemExit, match="2"):
        chosen(["pages", "paegs"])
    assert "there is no paegs; there are dashboards, fitting, hand" in capsys.readouterr().err
    assert chosen(["pages", "storm"]) == ["pages", "storm"]
    assert chosen([]) == []
