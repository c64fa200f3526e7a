"""Reading a file that was attached to an upload, and writing what is kept and shown of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ml.formats.faults import FormatError
from ml.formats.prediction import PredictionArrays
from ml.hand.joint_weights import joint_weights
from ml.hand.skeleton import Side
from ml.intake.clip_facts import AttachedFile, ClipFacts
from ml.intake.reading import Kind, read_attached
from ml.intake.topology import topology_of
from ml.viewer_files.viewer_track import write_track
from palmares.api.problems import ConflictError
from palmares.queue.exceptions import WorkFailedError
from palmares.uploads.attached_files import clip_facts
from palmares.uploads.models import Upload


def read_file(*, upload: Upload, kind: Kind, path: Path, file_format: str, side: Side, name: str) -> AttachedFile:
    """The file in the canonical form.

    Raises:
        WorkFailedError: it cannot be used.
    """
    try:
        clip = ClipFacts.from_json(clip_facts(upload))
        return read_attached(kind, path, file_format, clip, called=name, side=side)
    except ConflictError as error:
        raise WorkFailedError(error.detail) from error
    except FormatError as error:
        raise WorkFailedError(f"{str(error).rstrip('.')}.") from error


def write_files(prediction: PredictionArrays, target: Path, file_name: str) -> tuple[PredictionArrays, str]:
    """Write the canonical file and its track for the viewer into a folder.

    Returns:
        The rows with the hand model that their meshes turned out to be of, and a note for the author of the file, or "".
    """
    topology = topology_of(prediction)
    if topology.name:
        prediction = replace(prediction, meta={**prediction.meta, "hand_model": topology.name})
    prediction.save(target / file_name)
    shown = prediction if topology.faces else replace(prediction, vertices=None)
    write_track(shown, topology.faces, target, skin={side: joint_weights(model) for side, model in topology.models.items()})
    return prediction, topology.note
