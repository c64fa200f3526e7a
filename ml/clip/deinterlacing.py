"""Whole frames from interlaced video, whose every second line was taken a moment later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av
from av.filter import Graph
from av.video.frame import VideoFrame


def progressive(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """As many frames, each of one moment: FFmpeg's bwdif rebuilds the later lines of those that say they are interlaced."""
    graph: Graph | None = None
    shape = None
    for frame in frames:
        if graph is not None and shape != (frame.width, frame.height, frame.format.name):
            yield from _rest(graph)
            graph = None
        if graph is None:
            if not frame.interlaced_frame:
                yield frame
                continue
            graph, shape = _graph(frame), (frame.width, frame.height, frame.format.name)
        graph.push(frame)
        yield from _ready(graph)
    if graph is not None:
        yield from _rest(graph)


def _graph(frame: VideoFrame) -> Graph:
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base),
        graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _rest(graph: Graph) -> Iterator[VideoFrame]:
    graph.push(None)
    yield from _ready(graph)


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(frame, VideoFrame)
        yield frame
