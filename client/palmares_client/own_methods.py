"""Predictions of your own method as a run beside the platform's: `log` from arrays, `Client.add_run` from a file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from palmares_client.api_errors import RejectedError
from palmares_client.work_handle import WorkHandle

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ml.formats.prediction import PredictionArrays
    from palmares_client.client import Client


class RunHandle(WorkHandle):
    """A run on the server."""

    KIND = "Run"

    def __init__(self, client: Client, data: dict[str, Any]) -> None:
        self._server = client.server
        self._connect: Callable[[], AbstractContextManager[Client]] = lambda: nullcontext(client)
        self.data = data

    def reconnecting(self) -> Self:
        """Let each further request have a connection of its own: the one it was made with is closed."""
        from palmares_client.client import Client  # noqa: PLC0415 - which imports this module

        server = self._server
        self._connect = lambda: Client(server)
        return self

    @property
    def url(self) -> str:
        """The address of the viewer with this run."""
        return f"{self._server}/uploads/{self.data['upload']}/view/?runs={self.id}"

    def refresh(self) -> Self:
        """Request its data again."""
        with self._connect() as client:
            self.data = client.run(self.id).data
        return self

    def scores(self) -> dict[str, Any]:
        """Its errors against the ground truth of the upload: `alignments`, `penalised`, `coverage`, `joints` (mm), `status`.

        Raises:
            RejectedError: the upload has no ground truth.
        """
        with self._connect() as client:
            return client.run_scores(self.id)


def zipped(folder: Path, target: Path) -> Path:
    """The meshes and joints of a folder in one archive."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".obj", ".ply", ".npy"))
    if not files:
        raise RejectedError(f"{folder} holds no .obj, .ply or .npy file.")
    archive = target / f"{folder.resolve().name}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as sink:
        for file in files:
            sink.write(file, file.name)
    return archive


def log(
    upload: str,
    method: str,
    *,
    joints: npt.ArrayLike,
    vertices: npt.ArrayLike | None = None,
    faces: npt.ArrayLike | None = None,
    frame: npt.ArrayLike | None = None,
    side: str | Sequence[str] = "right",
    track: npt.ArrayLike | None = None,
    score: npt.ArrayLike | None = None,
    intrinsics: npt.ArrayLike | None = None,
    hand_model: str = "",
    version: str = "",
    link: str = "",
    client: Client | None = None,
) -> RunHandle:
    """Show predictions of your own method for an upload beside those of the platform.

    Metres in the OpenCV camera frame of the upload's video; N rows, one per frame and hand.

    Args:
        upload: id of the upload.
        method: its name in tables and plots.
        joints: [N, 21, 3], wrist, then thumb, index, middle, ring, pinky, each from base to tip.
        vertices: [N, V, 3], any V.
        faces: [F, 3], triangles of these vertices; not needed for the open hand and for MANO where the server has it.
        frame: [N], indices of the video frames; 0 … N − 1 if not given.
        side: `left` or `right`, for all rows or one for each.
        track: [N], one number per physical hand over time; by side if not given.
        score: [N], confidence, 0 to 1.
        intrinsics: [3, 3], pixels of the video; the upload's own if not given.
        hand_model: name of the model that the vertices are of, such as `mano`.
        version: of the method.
        link: to its paper or code.
        client: else one for the server that you are signed in to.

    Raises:
        RejectedError: the arrays do not fit together, or the server does not accept them; the message says why.
        NotSignedInError, NetworkError: as for every request.
    """
    from palmares_client.client import Client  # noqa: PLC0415 - which imports this module

    given = {"joints": joints, "vertices": vertices, "faces": faces, "frame": frame, "track": track, "score": score}
    about = {"hand_model": hand_model, "method": method, "version": version}
    prediction = _prediction(side, about, intrinsics=intrinsics, **given)
    with TemporaryDirectory(prefix="palmares-") as folder:
        path = Path(folder) / "predictions.npz"
        prediction.save(path)
        if client is not None:
            return client.add_run(upload, method, path, version=version, link=link)
        with Client() as made:
            return made.add_run(upload, method, path, version=version, link=link).reconnecting()


def _prediction(side: str | Sequence[str], about: dict[str, str], **given: npt.ArrayLike | None) -> PredictionArrays:
    """The arrays that were given to `log`, with defaults for the others."""
    import numpy as np  # noqa: PLC0415 - not needed to read a leaderboard

    from ml.formats.prediction import PredictionArrays, PredictionError  # noqa: PLC0415

    def array(name: str, default: npt.ArrayLike) -> np.ndarray:
        value = given[name]
        return np.asarray(default if value is None else value)

    def optional(name: str, kind: npt.DTypeLike = np.float32) -> np.ndarray | None:
        value = given[name]
        return None if value is None else np.asarray(value, kind)

    points = np.asarray(given["joints"], np.float32)
    names = [side] * len(points) if isinstance(side, str) else list(side)
    if wrong := sorted(set(names) - {"left", "right"}):
        raise RejectedError(f"`side` is {wrong[0]!r}, expected left or right.")
    sides = np.array([name == "right" for name in names], np.uint8)
    try:
        return PredictionArrays(
            frame=array("frame", np.arange(len(points))),
            side=sides,
            track=array("track", sides.astype(np.int32)),
            score=array("score", np.ones(len(points))).astype(np.float32),
            joints=points,
            vertices=optional("vertices"),
            faces=optional("faces", None),
            intrinsics=optional("intrinsics"),
            meta=dict(about),
        )
    except PredictionError as error:
        raise RejectedError(f"{str(error).rstrip('.')}.") from error
