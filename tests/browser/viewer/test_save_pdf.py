"""A figure saved as PDF from the viewer: one page with the image that the SVG has, and its caption as text."""

from __future__ import annotations

import base64
import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from palmares.uploads.models import Upload
from tests.browser.viewer.viewer_clips import ViewerClip
from tests.browser.viewer.viewer_page import OpenViewer, wait_for_picture

pytestmark = [pytest.mark.browser]

SVG = "{http://www.w3.org/2000/svg}"
CAMERA = "0.3,0.2,0.1,0,0,-0.5"
"""Position and target."""

SLOW_MS = 30_000
"""Errors, which the colours show, are computed in a worker: on a busy machine this takes its time."""

SCALE = 2
"""Pixels of the image per CSS px of the page."""


def save(page: Page, label: str, folder: Path) -> bytes:
    """The file that an entry of the menu saves."""
    page.locator(".export > summary").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name=label).click()
    path = folder / saved.value.suggested_filename
    saved.value.save_as(path)
    return path.read_bytes()


def objects_of(file: bytes) -> list[bytes]:
    """The objects 1, 2, … of a PDF, each where the table says that it is."""
    assert file.startswith(b"%PDF-1.4\n")
    assert file.endswith(b"%%EOF\n")
    start = int(re.findall(rb"startxref\n(\d+)\n", file)[-1])
    offsets = [int(entry) for entry in re.findall(rb"^(\d{10}) 00000 n \n", file[start:], re.MULTILINE)]
    for number, offset in enumerate(offsets, start=1):
        assert file[offset:].startswith(b"%d 0 obj\n" % number)
    return [file[a:b] for a, b in zip(offsets, [*offsets[1:], start], strict=True)]


def stream_of(obj: bytes) -> bytes:
    head, _, rest = obj.partition(b">>\nstream\n")
    length = int(re.findall(rb"/Length (\d+) $", head)[0])
    assert rest[length:].startswith(b"\nendstream\nendobj\n")
    return rest[:length]


def image_of(obj: bytes) -> np.ndarray:
    """The pixels of an image object: uint8 [height, width, 3]."""
    width, height = (int(re.findall(rb"/%s (\d+)" % name, obj)[0]) for name in (b"Width", b"Height"))
    rows = np.frombuffer(zlib.decompress(stream_of(obj)), np.uint8).reshape(height, 1 + 3 * width)
    assert (rows[:, 0] == 2).all(), "differences from the row above"
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(height, width, 3)


def page_size(objects: list[bytes]) -> tuple[float, float]:
    """Width and height of the page in CSS px."""
    [(width, height)] = re.findall(rb"/MediaBox \[0 0 (\S+) (\S+)\]", objects[2])
    return float(width) / 0.75, float(height) / 0.75


def test_the_pdf_shows_what_the_svg_shows(viewers: Callable[..., OpenViewer], viewer_clip: ViewerClip, tmp_path: Path):
    # A camera of its own, which is not fitted again to hands that are loaded between the two files.
    page = viewers(viewer_clip, 2, truth=True)(query=f"?errors=1&alignment=root&frame=3&camera={CAMERA}")
    expect(page.locator(".plots > .plot").first.locator("li")).to_have_count(2, timeout=SLOW_MS)
    wait_for_picture(page)
    drawing = ElementTree.fromstring(save(page, "Drawing (SVG)", tmp_path))
    file = save(page, "Figure (PDF)", tmp_path)
    assert (tmp_path / "clip-frame-0003.pdf").exists()
    objects = objects_of(file)
    assert page_size(objects) == (float(drawing.attrib["width"]), float(drawing.attrib["height"]))

    content = stream_of(objects[3]).decode("ascii")
    printed = ["".join(re.findall(r"\((.*?)\) Tj", line)) for line in content.splitlines() if line.startswith("BT")]
    texts = [element.text or "" for element in drawing.iter(f"{SVG}text")]
    assert "≥ 20 mm" in texts
    assert printed == [text.replace("≥", r"\263").replace("·", r"\267") for text in texts]
    assert "/Map sh" in content

    shown = drawing.find(f"{SVG}image")
    assert shown is not None
    picture = Image.open(io.BytesIO(base64.b64decode(shown.attrib["href"].partition(",")[2]))).convert("RGBA")
    paper = Image.new("RGBA", picture.size, drawing.findall(f"{SVG}rect")[0].attrib["fill"])
    wanted = np.asarray(Image.alpha_composite(paper, picture).convert("RGB")).astype(int)
    found = image_of(objects[4]).astype(int)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 2, "but for rounding where hands are transparent"


def test_a_caption_in_another_script_is_part_of_the_image(open_viewer: OpenViewer, viewer_clip: ViewerClip, tmp_path: Path):
    Upload.objects.update(name="рука.mp4")
    page = open_viewer()
    wait_for_picture(page)
    drawing = ElementTree.fromstring(save(page, "Drawing (SVG)", tmp_path))
    objects = objects_of(save(page, "Figure (PDF)", tmp_path))
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    assert page_size(objects) == (width, height)
    assert b"BT" not in stream_of(objects[3])
    image = image_of(objects[4])
    assert image.shape == (SCALE * height, SCALE * width, 3)
    shown = drawing.find(f"{SVG}image")
    assert shown is not None
    below = image[SCALE * int(shown.attrib["height"]) :]
    assert (below != below[0, 0]).any(), "the caption is painted"
