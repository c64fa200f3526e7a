"""What every page's style promises: hidden parts are not shown, and only numbers have tabular figures."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from palmares.queue.models import Status
from palmares.runs.models import Prediction
from tests.browser.pages.conftest import OpenPage
from tests.factories import RunFactory, SubjectFactory, UploadFactory

pytestmark = [pytest.mark.browser]

FIGURES = "e => getComputedStyle(e).fontVariantNumeric"


def test_the_hidden_attribute_hides_whatever_the_style_says(open_page: OpenPage):
    page = open_page("/")
    shown = page.evaluate("""() => ["button", "form", "p", "label", "div"].flatMap((tag) =>
      ["", "button", "quiet", "actions", "form", "badge", "icon"].map((style) => {
        const made = Object.assign(document.createElement(tag), { className: style, textContent: "x", hidden: true });
        document.querySelector("main").append(made);
        return [tag, style, made.getClientRects().length];
      })).filter(([, , boxes]) => boxes)""")
    assert shown == []


def test_only_numbers_have_tabular_figures(open_page: OpenPage, team: Any):
    upload = UploadFactory(subject=SubjectFactory(team=team))
    summary = {"reprojection": 2.0, "jitter": 1.0}
    made = Prediction.objects.create(folder="x/1", sha256="0" * 64, size_bytes=1, rows=1, hand_model="open", summary=summary)
    RunFactory(upload=upload, method="kong2022-identity", status=Status.SUCCEEDED, prediction=made, finished_at=timezone.now())
    page = open_page("/")
    badge, value = page.locator(".badge .name").first, page.locator("td.num").first
    assert badge.inner_text() == "Identity-aware"
    assert badge.evaluate(FIGURES) == "normal"
    assert page.locator("h1").evaluate(FIGURES) == "normal"
    assert value.evaluate(FIGURES) == "tabular-nums"
    # the hyphen of a word is as wide as the font has it
    widths = badge.evaluate("""e => ["normal", "tabular-nums"].map((figures) => {
      const copy = e.cloneNode(true);
      copy.style.cssText = `position: absolute; font-variant-numeric: ${figures}`;
      e.after(copy);
      return copy.getBoundingClientRect().width;
    }).concat(e.getBoundingClientRect().width)""")
    assert widths[0] == pytest.approx(widths[2])
    assert widths[1] > widths[0]


def test_shortcuts_work_while_a_checkbox_has_the_focus(open_page: OpenPage, scored: Any):
    for name in ("first", "second"):
        scored(name)
    page = open_page("/benchmarks/contest-of-ours/")
    box = page.get_by_role("checkbox", name="Plot first")
    box.focus()
    assert box.evaluate("e => e === document.activeElement")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()
