"""The written video is one that browsers seek in exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from ml.clip import open_clip
from ml.clip.encode import web_video
from tests.ml.clip.generated_media import SIZE, numbered, numbers


def test_web_video_is_what_browsers_want(tmp_path):
    path = tmp_path / "web.mp4"
    with web_video(path, Fraction(30000, 1001), SIZE) as writer:
        for index in range(40):
            writer.write(numbered(index))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [p for p in container.demux(stream) if p.size]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.has_b_frames) == ("h264", "yuv420p", False)
    assert [p.pts for p in packets] == [p.dts for p in packets]
    assert packets[0].pts == 0
    assert len({b.pts - a.pts for a, b in pairwise(packets)}) == 1
    keys = [i for i, p in enumerate(packets) if p.is_keyframe]
    assert max(np.diff([*keys, 40])) <= 15
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"elst" not in data
    clip = open_clip(path)
    assert clip.fps == pytest.approx(30000 / 1001)
    assert numbers(clip) == list(range(40))


def test_web_video_refuses_odd_sizes(tmp_path):
    with pytest.raises(ValueError, match="must be even"), web_video(tmp_path / "a.mp4", Fraction(30), (63, 48)):
        pass
