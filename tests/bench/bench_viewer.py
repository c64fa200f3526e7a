"""The viewer, measured in headless Chromium with software WebGL: eight runs × two hands × 300 frames on loopback, with the
ground truth; two runs and the truth are shown.
"""

# ruff: noqa: PLC0415 - Django is set up first, and only where this bench runs
from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

FRAMES = 300
LOADS = 5
METHODS = 8
CHROMIUM_FLAGS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]


def rows() -> list[tuple[str, str, str]]:
    """What, measured, target."""
    with tempfile.TemporaryDirectory() as folder, _live_page(Path(folder)) as (clip, cookie, url):
        return _wire(clip) + _page(clip, cookie, url)


@contextmanager
def _live_page(folder: Path) -> Iterator[tuple]:
    """A live server of its own, with a database of its own and the clip in it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "palmares.settings.testing")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in this thread
    django.setup()
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.db import connections
    from django.test.testcases import LiveServerThread
    from django.test.utils import (
        override_settings,
        setup_databases,
        setup_test_environment,
        teardown_databases,
        teardown_test_environment,
    )

    from tests.browser.viewer.viewer_clips import make_clip
    from tests.browser.viewer.viewer_page import create_rows, session_cookie

    clip = make_clip(folder / "clip", FRAMES, is_second_posed=True)
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with override_settings(MEDIA_ROOT=folder / "media", ALLOWED_HOSTS=["*"]):
            user, upload = create_rows(clip, folder / "media", METHODS, truth=True)
            server = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={})
            server.daemon = True
            server.start()
            server.is_ready.wait()
            host = f"http://127.0.0.1:{server.port}"
            # Here, not within Playwright's event loop, where Django would open a connection that nobody closes.
            yield clip, session_cookie(user, host), f"{host}/uploads/{upload.pk}/view/"
            server.terminate()
    finally:
        connections.close_all()
        teardown_databases(databases, verbosity=0)
        teardown_test_environment()


def _wire(clip) -> list[tuple[str, str, str]]:
    sizes = []
    for folder in clip.runs:
        for hand in json.loads((clip.root / folder / "track.json").read_text())["hands"]:
            sizes.append(sum(c["bytes"] for c in hand["chunks"]) / sum(c["rows"] for c in hand["chunks"]))
    return [("viewer: bytes a frame and hand on the wire", f"{max(sizes):.0f} (posed in the browser)", "≤ 1000")]


def _page(clip, cookie, url: str) -> list[tuple[str, str, str]]:
    from playwright.sync_api import sync_playwright

    from tests.browser.viewer.viewer_clips import READ_FRAME_NUMBER
    from tests.browser.viewer.viewer_page import wait_for_picture

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        drawn = []
        for _ in range(LOADS):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_cookies([cookie])
            page = context.new_page()
            page.goto(url)
            page.wait_for_selector("[data-drawn]", state="attached")
            drawn.append(page.evaluate("performance.getEntriesByName('viewer:first-frame')[0].startTime") / 1000)
            if len(drawn) < LOADS:
                context.close()
        page.wait_for_load_state("networkidle")
        sent = page.evaluate(BYTES) / 1e6
        right = 0
        for frame in random.Random(7).choices(range(clip.frame_count), k=100):
            page.locator(".frame-field input").fill(str(frame))
            page.locator(".frame-field input").press("Tab")
            wait_for_picture(page)
            right += page.evaluate(READ_FRAME_NUMBER) == frame
        shown = page.evaluate(COUNT_FRAMES)
        page.locator(".play").click()
        page.keyboard.press("e")
        coloured = page.evaluate(COUNT_FRAMES)
        browser.close()
    first, rest = drawn[0], statistics.median(drawn[1:])
    return [
        (
            "viewer: navigation → first frame drawn",
            f"{rest:.2f} s (median; {first:.2f} s in a browser just started)",
            "≤ 1.5 s",
        ),
        ("viewer: sent before play, without the video", f"{sent:.2f} MB", "≤ 1.5 MB"),
        ("viewer: seeks that show the frame asked for", f"{right} of 100", "100"),
        ("viewer: frames shown a second while playing 30, software WebGL", f"{shown:.0f}", "–"),
        ("viewer: the same with error colours", f"{coloured:.0f}", f"≥ {0.85 * shown:.0f}"),
    ]


BYTES = """() => performance.getEntriesByType("resource").filter(({ name }) => !name.endsWith(".mp4"))
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""

COUNT_FRAMES = """() => new Promise((resolve) => {
  const frames = new Set(), begin = performance.now();
  document.querySelector(".play").click();
  const look = () => {
    frames.add(document.querySelector(".viewer").dataset.frame);
    if (performance.now() - begin < 4000) requestAnimationFrame(look);
    else resolve(frames.size / 4);
  };
  look();
})"""
