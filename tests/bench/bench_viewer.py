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
CLIPS, SHOWN_METHODS = 4, 6
"""Of the grid."""
CHROMIUM_FLAGS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]


def rows() -> list[tuple[str, str, str]]:
    """What, measured, target."""
    with tempfile.TemporaryDirectory() as folder, _live_page(Path(folder)) as (clip, cookie, url, grid):
        return _wire(clip) + _page(clip, cookie, url) + _grid(clip, cookie, grid)


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

    from tests.browser.viewer.grid_page import copied_clip
    from tests.browser.viewer.viewer_clips import make_clip
    from tests.browser.viewer.viewer_page import create_rows, session_cookie

    clip = make_clip(folder / "clip", FRAMES, is_second_posed=True)
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with override_settings(MEDIA_ROOT=folder / "media", ALLOWED_HOSTS=["*"]):
            user, upload = create_rows(clip, folder / "media", METHODS, truth=True)
            clips = [upload, *(copied_clip(upload, folder / "media", f"copy{n}") for n in range(1, CLIPS))]
            server = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={})
            server.daemon = True
            server.start()
            server.is_ready.wait()
            host = f"http://127.0.0.1:{server.port}"
            # Here, not within Playwright's event loop, where Django would open a connection that nobody closes.
            grid = f"{host}/uploads/grid/?uploads={','.join(str(one.pk) for one in clips)}"
            yield clip, session_cookie(user, host), f"{host}/uploads/{upload.pk}/view/", grid
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
        page.locator(".play").click()
        worker = next((Path(__file__).parents[2] / "platform/palmares/static/dist/assets").glob("metrics-worker-*.js")).name
        aligned, waited = page.evaluate(REALIGN, f"/static/dist/assets/{worker}")
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
        ("viewer: frames shown a second while playing 30, software WebGL", f"{shown:.1f}", "–"),
        ("viewer: the same with error colours", f"{coloured:.1f}", f"≥ {0.85 * shown:.1f}"),
        ("viewer: 8 methods × 10 000 frames aligned again, in its worker", f"{aligned:.2f} s", "< 1 s"),
        ("viewer: longest time without a frame meanwhile", f"{waited:.2f} s", "–"),
    ]


def _grid(clip, cookie, url: str) -> list[tuple[str, str, str]]:
    from playwright.sync_api import sync_playwright

    from tests.browser.viewer.grid_page import frames_shown, seek, settled

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(url)
        settled(page)
        cells = page.locator("[data-cell]").count()
        right = 0
        for frame in random.Random(8).choices(range(clip.frame_count), k=100):
            seek(page, frame)
            right += set(frames_shown(page)) == {frame}
        browser.close()
    what = f"grid of {CLIPS} clips, {cells} cells: seeks that show the frame asked for in all"
    return [(what, f"{right} of 100", f"100, ≥ {CLIPS * SHOWN_METHODS} cells")]


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

REALIGN = """async (address) => {
  const [methods, count] = [8, 10000];
  const worker = new Worker(address, { type: "module" });
  const hands = (noise) => {
    const joints = new Float32Array(63 * count);
    for (let i = 0; i < joints.length; i++) joints[i] = Math.sin(i % 63) / 10 + noise * (Math.random() - 0.5);
    return [{ side: "right", frames: Array.from({ length: count }, (_, k) => k), joints, jointCount: 21 }];
  };
  worker.postMessage({ kind: "put", key: "truth", hands: hands(0) });
  for (let m = 0; m < methods; m++) worker.postMessage({ kind: "put", key: `m${m}`, hands: hands(0.01) });
  const ask = (name) => new Promise((resolve) => {
    let open = methods;
    worker.onmessage = () => --open || resolve();
    for (let m = 0; m < methods; m++)
      worker.postMessage({ kind: "errors", id: m, truth: "truth", prediction: `m${m}`, frameCount: count, alignments: [name] });
  });
  await ask("root");
  let [longest, last, running] = [0, performance.now(), true];
  const look = (now) => {
    [longest, last] = [Math.max(longest, now - last), now];
    if (running) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const begin = performance.now();
  await ask("procrustes");
  running = false;
  worker.terminate();
  return [(performance.now() - begin) / 1000, longest / 1000];
}"""
