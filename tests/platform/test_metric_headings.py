"""Titles, units and directions of metrics come from the catalogue, on every page."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from ml.catalog import METHODS, METRICS, SERIES_METRICS, TRUTH_SERIES_METRICS

ROOT = Path(__file__).resolve().parents[2]
ARROWS = {"lower": "↓", "higher": "↑"}


def headings(page: str) -> list[tuple[str, str, str]]:
    """(definition, title, arrow) of every metric heading on a page."""
    found = re.findall(r'<span class="metric" title="([^"]*)">(.*?) <span class="better"[^>]*>(.)</span></span>', page)
    return [(unescape(definition), unescape(title), arrow) for definition, title, arrow in found]


def test_the_viewer_gets_its_metrics_from_the_catalogue(client: Any, member: Any, upload: Any):
    client.force_login(member)
    page = client.get(f"/uploads/{upload.pk}/view/").content.decode()
    data = json.loads(re.search(r'<script id="viewer-data" type="application/json">(.*?)</script>', page)[1])
    assert [metric["name"] for metric in data["metrics"]] == list(SERIES_METRICS)
    assert [metric["name"] for metric in data["truth_metrics"]] == list(TRUTH_SERIES_METRICS)
    for metric in data["metrics"] + data["truth_metrics"]:
        entry = METRICS[metric["name"]]
        assert metric == {
            "name": entry.name,
            "title": entry.title,
            "unit": entry.unit,
            "direction": entry.direction,
            "definition": entry.definition,
            "decimals": entry.decimals,
        }


@pytest.mark.parametrize("entry", [*METRICS.values(), *METHODS.values()], ids=lambda entry: entry.name)
def test_no_script_repeats_a_title_of_the_catalogue(entry: Any):
    sources = [p for p in (ROOT / "frontend").glob("*/*.ts*") if ".test." not in p.name]
    assert len(sources) > 20
    quoted = re.compile(rf"""["'`>]{re.escape(entry.title)}["'`<]""")
    assert [path.name for path in sources if quoted.search(path.read_text())] == []


@pytest.mark.parametrize("path", ["/", "/uploads/{upload}/"])
def test_tables_of_runs_say_what_is_better(client: Any, member: Any, finished_run: Any, path: str):
    client.force_login(member)
    page = client.get(path.format(upload=finished_run.upload_id)).content.decode()
    entries = [METRICS["reprojection"], METRICS["jitter"]]
    assert headings(page) == [(entry.definition, entry.title, "↓") for entry in entries]


def test_a_board_marks_the_direction_and_the_sort_apart(client: Any, member: Any, contest: Any, scored: Any):
    scored("a", figures={"pa_mpjpe": 10.0, "pa_auc_joints": 0.5})
    client.force_login(member)
    page = client.get(f"/benchmarks/{contest.slug}/?metric=pa_auc_joints").content.decode()
    (head,) = re.findall(r'<table class="data board".*?</thead>', page, re.S)
    assert {title: arrow for _, title, arrow in headings(head)} == {"PA-AUC (joints)": "↑", "PA-MPJPE": "↓"}
    (sorted_by,) = re.findall(r'<th [^>]*aria-sort="(\w+)"[^>]*>(.*?)</th>', head, re.S)
    assert sorted_by[0] == "descending"
    assert headings(sorted_by[1])[0][1:] == ("PA-AUC (joints)", "↑")
