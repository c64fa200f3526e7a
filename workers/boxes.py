"""Hands in the boxes that people drew on an upload, for the work that looks at its keypoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from ml.clip import Clip
from ml.keypoints.detector import HandDetector
from ml.keypoints.drawn_boxes import CONFIDENCE, DrawnBox, with_drawn_hands
from ml.keypoints.tracks import Keypoints

LOOKING: Final = "Looking inside drawn boxes"
"""The stage that is reported meanwhile."""


def with_boxes(
    clip: Clip, keypoints: Keypoints, boxes: Sequence[dict[str, Any]], *, static: bool, checkpoint: Callable[[], None]
) -> tuple[Keypoints, list[dict[str, Any]]]:
    """Keypoints with the hands that are found in boxes, and a finding for each box without one.

    Args:
        clip: of the upload.
        keypoints: of its detection.
        boxes: as `palmares.uploads.hand_boxes.boxes_for_run` gives them.
        static: images by themselves, not a video.
        checkpoint: called now and then; may raise to stop.
    """
    if not boxes:
        return keypoints, []
    drawn = [DrawnBox(**{name: value for name, value in box.items() if name != "id"}) for box in boxes]
    finder = lambda: HandDetector(2, static=True, confidence=CONFIDENCE)  # noqa: E731
    found, empty = with_drawn_hands(clip, keypoints, drawn, finder, static=static, checkpoint=checkpoint)
    return found, [_empty(box) for box in empty]


def _empty(box: DrawnBox) -> dict[str, Any]:
    message = f"No {box.side} hand was found in the box that was drawn in frame {box.frame}."
    return {"level": "note", "message": message, "place": f"frame {box.frame}"}
