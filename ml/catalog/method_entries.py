"""The methods that can be run here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class MethodOption:
    """An option of a method: one of `choices`, or a number from `least` to `most`.

    Attributes:
        name: as in the API.
        title: as people read it.
        default: taken where it is not given; None: the method chooses.
        choices: none for a number.
        least: of a number.
        most: of a number.
    """

    name: str
    title: str
    default: str | int | float | bool | None = None
    choices: tuple[str | int | bool, ...] = ()
    least: float = 0.0
    most: float = 1e6


_MOTION_TERMS = ("keypoints", "orientation", "translation", "turning", "moving", "shape", "prior")
_MOTION_OPTIONS = (
    MethodOption("preset", "Weights", "default", ("default", "poster", "published-code")),
    MethodOption("solver", "Solver", "gauss-newton", ("gauss-newton", "adam")),
    MethodOption("prior", "Motion prior", "motion", ("motion", "gmm", "pca", "none")),
    MethodOption("stages", "Stages before the last", 2, (1, 2)),
    MethodOption("detail", "Last stage: every frame once more", default=True, choices=(True, False)),
    MethodOption("views", "Views of each hand for the confidence of keypoints", 4, (0, 2, 4, 8, 11)),
    MethodOption("source", "Keypoints where a run is refined", "blend", ("blend", "detector", "projected")),
    *(
        MethodOption(f"{stage}.{term}", f"Weight of the term {term} in stage {number}")
        for number, stage in (("I", "first"), ("II", "second"))
        for term in _MOTION_TERMS
    ),
)


NETWORK_FIT = MethodOption("fit", "Fitted to the 2D joints", choices=(True, False))
"""Of the survey's networks; the default is to fit where they take keypoints."""
_INPUT = MethodOption("input", "What is lifted: the detector's keypoints, or pixels", "keypoints", ("keypoints", "pixels"))


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
        colour: Paul Tol's *bright* and *vibrant* schemes, the same in every mesh, curve and row.
        shape: how it comes by the subject's hand shape when a run gives none.
        is_optimised: whether parameters are optimised at inference time.
        hand_models: those it can pose, and be given a shape of.
        options: what a run may set.
        refines: whether it can start from the hands of another run.
        prefers_gpu: its runs go to workers with a GPU while there are any.
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
    shape: Literal["estimated", "calibrated"] = "estimated"
    is_optimised: bool = False
    hand_models: tuple[str, ...] = ("open", "mano")
    options: tuple[MethodOption, ...] = ()
    refines: bool = False
    prefers_gpu: bool = False


METHODS: dict[str, MethodEntry] = {
    entry.name: entry
    for entry in (
        MethodEntry(
            name="hmp2024",
            title="HMP",
            citation="Duran et al., HMP: Hand Motion Priors for Pose and Shape Estimation from Video, WACV 2024",
            inputs=("video",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="Fused fit of each frame, then a prior of hand motion fitted over time: steady through noise and gaps.",
            implementation="ml.methods.hmp2024:HMP2024",
            version="6",
            colour="#0077BB",
            is_optimised=True,
            options=_MOTION_OPTIONS,
            refines=True,
        ),
        MethodEntry(
            name="fused-fit",
            title="Fused fit",
            citation="Palmarès; landmark network of Kong et al., ECCV 2022, on MediaPipe (Zhang et al., CVPR Workshops 2020)",
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="The hand model fitted to 2D joints, world landmarks and poses by networks, each as far as it is trusted.",
            implementation="ml.methods.fused_fit:FusedFit",
            version="6",
            colour="#CC3311",
            is_optimised=True,
        ),
        MethodEntry(
            name="mediapipe-ik",
            title="MediaPipe + IK",
            citation="Zhang et al., MediaPipe Hands: On-device Real-time Hand Tracking, CVPR Workshops 2020",
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="MediaPipe's world landmarks, posed by direct inverse kinematics; scale and translation from the 2D.",
            implementation="ml.methods.mediapipe_ik:MediaPipeIK",
            version="3",
            colour="#4477AA",
        ),
        MethodEntry(
            name="2d-fit",
            title="2D fit",
            citation='Boukhayma et al., 3D Hand Shape and Pose from Images in the Wild, CVPR 2019 (baseline "2D fit")',
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="The hand model fitted to 2D joints under perspective, with pose and shape priors and one shape a clip.",
            implementation="ml.methods.fit2d:Fit2D",
            version="5",
            colour="#EE6677",
            is_optimised=True,
        ),
        *(
            MethodEntry(
                name=name,
                title=title,
                citation="Kong et al., Identity-Aware Hand Mesh Estimation and Personalization from RGB Images, ECCV 2022",
                inputs=inputs,
                outputs=("joints", "vertices", "pose", "betas", "translation"),
                summary=summary,
                implementation=f"ml.methods.kong2022:{attribute}",
                version=version,
                colour=colour,
                shape="calibrated" if "identity" in name else "estimated",
                is_optimised=name.endswith("-opt"),
                hand_models=("open",),
                prefers_gpu=attribute.startswith("image"),
            )
            for name, version, title, attribute, colour, inputs, summary in (
                (
                    "kong2022",
                    "4",
                    "Kong baseline",
                    "baseline",
                    "#228833",
                    ("video or images",),
                    "A network on landmarks that estimates pose and shape of each image by itself.",
                ),
                (
                    "kong2022-opt",
                    "7",
                    "Kong baseline, fitted",
                    "baseline_opt",
                    "#CCBB44",
                    ("video or images",),
                    "Kong baseline, then pose and translation fitted to 2D joints of the detector and the image network.",
                ),
                (
                    "kong2022-identity",
                    "5",
                    "Identity-aware",
                    "identity",
                    "#66CCEE",
                    ("video or images", "the subject's hand shape, or the clip calibrates itself"),
                    "A network on landmarks that takes the subject's hand shape as known, so that one hand has one shape.",
                ),
                (
                    "kong2022-identity-opt",
                    "8",
                    "Identity-aware, fitted",
                    "identity_opt",
                    "#AA3377",
                    ("video or images", "the subject's hand shape, or the clip calibrates itself"),
                    "Identity-aware, then pose and translation fitted to 2D joints of the detector and the image network.",
                ),
                (
                    "kong2022-image",
                    "4",
                    "Kong baseline on pixels",
                    "image",
                    "#EE7733",
                    ("video or images",),
                    "A network on the hand's image alone: MediaPipe's, trained further to give poses and shapes.",
                ),
                (
                    "kong2022-image-identity-opt",
                    "8",
                    "Identity-aware on pixels, fitted",
                    "image_identity_opt",
                    "#009988",
                    ("video or images", "the subject's hand shape, or the clip calibrates itself"),
                    "On pixels, with one shape, fitted to 2D joints of the detector and the network.",
                ),
            )
        ),
        MethodEntry(
            name="zhou2020",
            title="Zhou (DetNet + IKNet)",
            citation="Zhou et al., Monocular Real-time Hand Shape and Motion Capture using Multi-modal Data, CVPR 2020",
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="A network turns joints in space into a hand's rotations; its shape is fitted to the ratios of its bones.",
            implementation="ml.methods.zhou2020:zhou2020",
            version="3",
            colour="#882255",
            hand_models=("open",),
            options=(
                MethodOption(
                    "input",
                    "Joints: the detector's, DetNet's on pixels, or DetNet's without IKNet",
                    "keypoints",
                    ("keypoints", "pixels", "detnet"),
                ),
                NETWORK_FIT,
            ),
        ),
        MethodEntry(
            name="zimmermann2017",
            title="Zimmermann & Brox",
            citation="Zimmermann and Brox, Learning to Estimate 3D Hand Pose from Single RGB Images, ICCV 2017",
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="2D joints, of the detector or from pixels, lifted in two streams: to a canonical hand and to a viewpoint.",
            implementation="ml.methods.zimmermann2017:zimmermann2017",
            version="3",
            colour="#EE3377",
            hand_models=("open",),
            options=(_INPUT, NETWORK_FIT),
        ),
        MethodEntry(
            name="boukhayma2019",
            title="Boukhayma",
            citation="Boukhayma et al., 3D Hand Shape and Pose from Images in the Wild, CVPR 2019",
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="An encoder gives 22 parameters of camera, pose and shape: from 2D joints (the default), pixels, or both.",
            implementation="ml.methods.boukhayma2019:boukhayma2019",
            version="3",
            colour="#999933",
            hand_models=("open",),
            options=(MethodOption("input", "What the network sees", "2d", ("2d", "rgb", "rgb+2d")), NETWORK_FIT),
        ),
        MethodEntry(
            name="cai2018",
            title="Cai",
            citation="Cai et al., Weakly-supervised 3D Hand Pose Estimation from Monocular RGB Images, ECCV 2018",
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="2D joints, of the detector or from pixels, each with a depth; trained with depth maps as weak labels.",
            implementation="ml.methods.cai2018:cai2018",
            version="3",
            colour="#997700",
            hand_models=("open",),
            options=(_INPUT, NETWORK_FIT),
        ),
        MethodEntry(
            name="ge2019",
            title="Ge (mesh)",
            citation="Ge et al., 3D Hand Shape and Pose Estimation from a Single RGB Image, CVPR 2019",
            inputs=("video or images",),
            outputs=("joints", "vertices"),
            summary="Graph convolutions turn 2D joints, or pixels, into a mesh and its joints; fitted to the 2D joints.",
            implementation="ml.methods.ge2019:ge2019",
            version="3",
            colour="#FFAABB",
            hand_models=("open",),
            options=(_INPUT, NETWORK_FIT),
        ),
    )
}

FIRST_METHODS: Final = ("hmp2024", "fused-fit")
"""What an upload gets unless somebody chooses: the fit over time, and the fit of each frame that it starts from. A set of
images gets those that take images."""

QUICKEST_FIRST: Final = tuple(sorted(METHODS, key=lambda name: METHODS[name].refines or METHODS[name].prefers_gpu))
"""All methods; those that take longest come last, so that results of the others are there soon."""
