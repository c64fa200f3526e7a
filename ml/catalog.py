"""Names, units and citations of what there is: methods and metrics. Data only, so that the web may import it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MethodEntry:
    """A method that can be run here.

    Attributes:
        name: as in URLs, files and commands.
        title: as people read it.
        citation: the paper or project, in one line.
        inputs: what it needs of the upload.
        outputs: which parts of the canonical prediction it fills.
        summary: one sentence.
        implementation: `module:attribute`, imported by workers only.
        version: changes when its numbers do.
        colour: Paul Tol's *bright* scheme, the same in every mesh, curve and row.
    """

    name: str
    title: str
    citation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    summary: str
    implementation: str
    version: str
    colour: str


METHODS: dict[str, MethodEntry] = {
    entry.name: entry
    for entry in (
        MethodEntry(
            name="mediapipe-ik",
            title="MediaPipe + IK",
            citation="Zhang et al., MediaPipe Hands: On-device Real-time Hand Tracking, CVPR Workshops 2020",
            inputs=("video or pictures",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="MediaPipe's world landmarks, posed by direct inverse kinematics; scale and place from the 2D.",
            implementation="ml.methods.mediapipe_ik:MediaPipeIK",
            version="1",
            colour="#4477AA",
        ),
        MethodEntry(
            name="2d-fit",
            title="2D fit",
            citation="Boukhayma et al., 3D Hand Shape and Pose from Images in the Wild, CVPR 2019 (baseline «2D fit»)",
            inputs=("video or pictures",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="The hand model fitted to 2D joints under perspective, with pose and shape priors and one shape a clip.",
            implementation="ml.methods.fit2d:Fit2D",
            version="1",
            colour="#EE6677",
        ),
    )
}
