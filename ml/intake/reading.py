"""An attached file of any format, checked against its clip and in the canonical form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from ml.formats.faults import FormatError
from ml.formats.prediction import PredictionArrays, PredictionError
from ml.hand.skeleton import Side
from ml.intake.checks import check_rows, in_the_clip
from ml.intake.clip_facts import AttachedFile, ClipFacts, RawRows
from ml.intake.dexycb_labels import read_labels
from ml.intake.mano_parameters import read_parameters
from ml.intake.mesh_files import read_meshes
from ml.intake.mesh_lists import read_prediction_lists, read_truth_lists

Kind = Literal["truth", "prediction"]
Reader = Callable[[Path, str, Side, ClipFacts], RawRows]

MAX_BYTES: Final = 2 << 30
"""Largest canonical file once unpacked."""


def _canonical(path: Path, called: str, side: Side, clip: ClipFacts) -> RawRows:
    try:
        return RawRows(PredictionArrays.load(path, max_bytes=MAX_BYTES))
    except PredictionError as error:
        raise FormatError(f"{called}: {error}") from error


READERS: Final[Mapping[Kind, Mapping[str, Reader]]] = {
    "truth": {
        "palmares": _canonical,
        "dexycb": lambda path, called, side, clip: read_labels(path, called, side),
        "freihand": lambda path, called, side, clip: _as_images(read_truth_lists(path, called, "freihand", side), called, clip),
        "ho3d": lambda path, called, side, clip: _as_images(read_truth_lists(path, called, "ho3d", side), called, clip),
    },
    "prediction": {
        "palmares": _canonical,
        "mano": lambda path, called, side, clip: read_parameters(path, called, clip),
        "freihand": lambda path, called, side, clip: _as_images(
            read_prediction_lists(path, called, "freihand", side), called, clip
        ),
        "ho3d": lambda path, called, side, clip: _as_images(read_prediction_lists(path, called, "ho3d", side), called, clip),
        "meshes": lambda path, called, side, clip: read_meshes(path, called, side),
    },
}
"""By what the file is for, and format."""


def read_attached(kind: Kind, path: Path, file_format: str, clip: ClipFacts, *, called: str, side: Side) -> AttachedFile:
    """Read a file, which is untrusted input.

    Args:
        kind: what it is for.
        path: the file.
        file_format: a key of `READERS[kind]`.
        clip: that it is attached to.
        called: what messages call the file.
        side: of the hands, in formats that do not say.

    Raises:
        FormatError: it cannot be used; the message says why, and what would be right.
    """
    raw = READERS[kind][file_format](path, called, side, clip)
    findings = check_rows(raw, clip, called)
    return AttachedFile(in_the_clip(raw.rows, clip), tuple(findings))


def _as_images(raw: RawRows, called: str, clip: ClipFacts) -> RawRows:
    """One hand for each frame of the clip."""
    if len(raw.rows) != clip.frame_count:
        what = "frames" if clip.is_video else "images"
        raise FormatError(
            f"{called} holds {len(raw.rows)} hands, but the upload has {clip.frame_count} {what}: expected one each"
        )
    return raw
