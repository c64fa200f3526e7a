"""Everything that is known of a synthetic clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.formats.prediction import PredictionArrays
from ml.hand.skeleton import SIDES, Side


@dataclass(frozen=True)
class HandTruth:
    """One hand of a clip of T frames, in metres, in the OpenCV camera frame.

    Attributes:
        side: left or right.
        pose: float32 [T, 16, 3], axis-angle, MANO order.
        betas: float32 [10].
        translation: float32 [T, 3].
        joints: float32 [T, 21, 3], order of `ml.hand.skeleton.JOINTS`.
        vertices: float32 [T, V, 3].
        visible: bool [T, 21]: inside the image and covered by nothing but the flesh around it. Filled as frames are drawn.
    """

    side: Side
    pose: np.ndarray
    betas: np.ndarray
    translation: np.ndarray
    joints: np.ndarray
    vertices: np.ndarray
    visible: np.ndarray


@dataclass(frozen=True)
class ClipTruth:
    """The ground truth of a clip. `hands[k]` is body k of the masks; props and occluders come after the hands."""

    hands: tuple[HandTruth, ...]
    intrinsics: np.ndarray
    fps: float
    width: int
    height: int
    sequence: str
    subject: str

    @property
    def frame_count(self) -> int:
        return len(self.hands[0].pose)

    def prediction(self) -> PredictionArrays:
        """The truth in the canonical form; rows by frame, then hand; track = number of the hand."""
        frames, hands = self.frame_count, len(self.hands)

        def rows(name: str) -> np.ndarray:
            stacked = np.stack([getattr(hand, name) for hand in self.hands], axis=1)
            flat: np.ndarray = stacked.reshape(frames * hands, *stacked.shape[2:])
            return flat

        return PredictionArrays(
            frame=np.repeat(np.arange(frames, dtype=np.int32), hands),
            side=np.tile(np.array([SIDES.index(h.side) for h in self.hands], np.uint8), frames),
            track=np.tile(np.arange(hands, dtype=np.int32), frames),
            score=np.ones(frames * hands, np.float32),
            joints=rows("joints"),
            vertices=rows("vertices"),
            pose=rows("pose"),
            betas=np.tile(np.stack([h.betas for h in self.hands]), (frames, 1)),
            translation=rows("translation"),
            intrinsics=self.intrinsics,
            meta={
                "hand_model": "open",
                "method": "truth",
                "version": "1",
                "sequence": self.sequence,
                "subject": self.subject,
                "fps": self.fps,
                "frame_count": frames,
                "width": self.width,
                "height": self.height,
            },
        )
