"""`zhou2020`: IKNet on a detector's world landmarks, or on the joints that DetNet finds in pixels.

Zhou et al., *Monocular Real-time Hand Shape and Motion Capture using Multi-modal Data*, CVPR 2020. A hand's shape is fitted to
the ratios of its bones (`ml.fitting.bone_ratios`): in a video to their medians over all frames, in images to each one's own.
"""

from __future__ import annotations

from torch import Tensor

from ml.fitting.bone_ratios import shape_from_ratios
from ml.hand.model import load_hand_model
from ml.identity.observation import Observation
from ml.methods.network_method import NetworkMethod
from ml.networks.detection_maps import DetectorOnly, PixelIKNet
from ml.networks.hand_batch import HandGuess
from ml.networks.pose_quaternions import KeypointIKNet


def zhou2020() -> NetworkMethod:
    """The system: on keypoints, on pixels, and on pixels with DetNet alone."""
    variants = {"keypoints": KeypointIKNet, "pixels": PixelIKNet, "detnet": DetectorOnly}
    return NetworkMethod("zhou2020", variants, shape_of=shape_of_clip)


def shape_of_clip(guess: HandGuess, view: Observation) -> Tensor:
    """The shape [1, 10] of one hand in n frames: that of the medians of its bone ratios."""
    assert guess.bone_ratios is not None
    median = guess.bone_ratios.median(0, keepdim=True).values
    return shape_from_ratios(load_hand_model("open", "right"), median)
