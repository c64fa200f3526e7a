"""Every metric of a protocol, for each frame and overall, from a pair of files that need not fit into memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.metrics.alignment import Alignment, Similarity, procrustes_align, root_align, scale_translation_align, similarity
from ml.metrics.errors import (
    acceleration_errors,
    areas_of_bins,
    counts_of_bins,
    distances,
    second_differences,
    shape_error,
    threshold_bins,
)
from ml.metrics.fscore import f_scores
from ml.metrics.pairing import Pair
from ml.metrics.process_pool import ProcessPool
from ml.metrics.protocol import PREFIXES, Protocol
from ml.progress import ProgressCallback

CHUNK = 32
"""Frames scored at a time: some megabytes, which stay in a core's cache."""
SPAN = 8 * CHUNK
"""Frames a process is given at a time."""


@dataclass
class PointErrors:
    """Distances of joints or vertices under one alignment, summed over frames.

    Attributes:
        counts: for each curve of the protocol, how many distances of each point are within each threshold [P, T].
        total: distances that count for each point [P]; with what is missing, where the protocol scores that.
        sums: sum of the distances of each point [P], in the files' unit.
        found: how many there are of each point [P].
    """

    counts: list[np.ndarray]
    total: np.ndarray
    sums: np.ndarray
    found: np.ndarray

    def add(self, other: PointErrors) -> None:
        """Take in the frames of another."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total
        self.sums += other.sums
        self.found += other.found


@dataclass
class Scores:
    """What `score_pair` found.

    Attributes:
        per_frame: metric name to one value a row [N], mm or a share; NaN where there is none.
        joints, vertices: sums by alignment.
        joint_distances: by alignment, mm [N, 21]; NaN where a joint is missing or not annotated.
        found: bool [N].
        reflects: bool [N], rows whose best similarity (of joints) is a reflection.
        overall: metrics that are no mean of frames: shape.
        same_vertices: whether prediction and truth have the same number of vertices; None without meshes.
    """

    per_frame: dict[str, np.ndarray] = field(default_factory=dict)
    joints: dict[Alignment, PointErrors] = field(default_factory=dict)
    vertices: dict[Alignment, PointErrors] = field(default_factory=dict)
    joint_distances: dict[Alignment, np.ndarray] = field(default_factory=dict)
    found: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    reflects: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    overall: dict[str, float] = field(default_factory=dict)
    same_vertices: bool | None = None


def score_pair(
    protocol: Protocol, pair: Pair, *, pool: ProcessPool | None = None, progress: ProgressCallback | None = None
) -> Scores:
    """Score the first `pair.count` rows.

    Args:
        protocol: how.
        pair: what.
        pool: shares the work; without one this process does all. The values are the same to the last bit for any number.
        progress: called after each span of frames.

    Raises:
        FormatError: a frame of either file is not as the format asks.
    """
    if pair.count <= 0:
        raise ValueError("a pair of no rows cannot be scored")
    spans = [(first, min(first + SPAN, pair.count)) for first in range(0, pair.count, SPAN)]
    scores: Scores | None = None
    pieces = (pool or ProcessPool(1)).map(_score_span, (protocol, pair), spans)
    for (first, last), piece in zip(spans, pieces, strict=True):
        if scores is None:
            scores = piece if last == pair.count else _blank(piece, pair.count)
        if scores is not piece:
            _merge(scores, piece, first, last)
        if progress:
            progress(f"Scoring frame {last} of {pair.count}", last / pair.count)
    assert scores is not None
    _score_time(protocol, pair, scores)
    if pair.betas is not None and scores.found.any():
        scores.overall["shape_mse"] = shape_error(*(b[: pair.count][scores.found] for b in pair.betas))
    return scores


def _score_span(job: tuple[Protocol, Pair], span: tuple[int, int]) -> Scores:
    """Rows from the first up to the last of a span, chunk by chunk."""
    (protocol, pair), (first, last) = job, span
    whole: Scores | None = None
    for begin in range(first, last, CHUNK):
        end = min(begin + CHUNK, last)
        piece = _Chunk(protocol, pair, begin, end).scores()
        whole = _blank(piece, last - first) if whole is None else whole
        _merge(whole, piece, begin - first, end - first)
    assert whole is not None
    return whole


def _blank(piece: Scores, count: int) -> Scores:
    whole = Scores(same_vertices=piece.same_vertices)
    whole.per_frame = {name: np.full(count, np.nan) for name in piece.per_frame}
    whole.joint_distances = {a: np.full((count, 21), np.nan) for a in piece.joint_distances}
    whole.found, whole.reflects = np.zeros(count, bool), np.zeros(count, bool)
    return whole


def _merge(whole: Scores, piece: Scores, first: int, last: int) -> None:
    for name, values in piece.per_frame.items():
        whole.per_frame[name][first:last] = values
    for alignment, distance in piece.joint_distances.items():
        whole.joint_distances[alignment][first:last] = distance
    whole.found[first:last], whole.reflects[first:last] = piece.found, piece.reflects
    for ours, theirs in ((whole.joints, piece.joints), (whole.vertices, piece.vertices)):
        for alignment, errors in theirs.items():
            if alignment in ours:
                ours[alignment].add(errors)
            else:
                ours[alignment] = errors


class _Chunk:
    """Rows `first` up to `last` of a pair, aligned and measured."""

    def __init__(self, protocol: Protocol, pair: Pair, first: int, last: int) -> None:
        self.protocol, self.pair = protocol, pair
        self.rows = last - first
        self.found = np.ones(self.rows, bool) if pair.prediction.found is None else pair.prediction.found[first:last]
        self.truth = pair.truth.joints(first, last)
        self.joints = pair.prediction.joints(first, last)
        self.seen = None if pair.truth.seen is None else pair.truth.seen[first:last]
        self.has_meshes = bool(protocol.mesh_alignments) and None not in (pair.truth.vertex_count, pair.prediction.vertex_count)
        self.same_vertices = self.has_meshes and pair.truth.vertex_count == pair.prediction.vertex_count
        if self.has_meshes:
            self.truth_vertices = pair.truth.vertices(first, last)[self.found]
            self.vertices = pair.prediction.vertices(first, last)[self.found]
        self.result = Scores(found=self.found, reflects=np.zeros(self.rows, bool))
        self.result.same_vertices = self.same_vertices if self.has_meshes else None

    def scores(self) -> Scores:
        truth, joints = self.truth[self.found], self.joints[self.found]
        seen = None if self.seen is None else self.seen[self.found]
        moved: dict[Alignment, Similarity] = {}
        for alignment in self.protocol.joint_alignments:
            expected, aligned = truth, joints
            if alignment == "root":
                expected, aligned = (root_align(p, root=self.protocol.root) for p in (truth, joints))
            elif alignment == "scale-translation":
                aligned = scale_translation_align(truth, joints)
            elif alignment == "procrustes":
                aligned, moved[alignment] = procrustes_align(truth, joints, seen=seen)
                self.result.reflects[self.found] = moved[alignment].reflects
            elif alignment == "procrustes-rotation":
                aligned, moved[alignment] = procrustes_align(truth, joints, seen=seen, reflections=False)
            values = self._spread(distances(expected, aligned), 21)
            if self.seen is not None:
                values[~self.seen] = np.nan
            self.result.joint_distances[alignment] = self.protocol.unit_mm * values
            self._measure(alignment, "joint", values)
        if self.has_meshes:
            self._score_meshes(truth, joints, moved)
        return self.result

    def _score_meshes(self, truth: np.ndarray, joints: np.ndarray, moved: dict[Alignment, Similarity]) -> None:
        protocol = self.protocol
        wanted = dict.fromkeys((*protocol.mesh_alignments, *protocol.f_alignments))
        meshes = {alignment: self._aligned_meshes(alignment, truth, joints, moved) for alignment in wanted}
        for alignment in protocol.mesh_alignments if self.same_vertices else ():
            expected, these = meshes[alignment]
            self._measure(alignment, "vertex", self._spread(distances(expected, these), expected.shape[1]))
        for alignment in protocol.f_alignments:
            self._measure_f(PREFIXES[alignment], *meshes[alignment], "")
        if not self.same_vertices:
            found = moved.get("procrustes") or similarity(truth, joints)
            self._measure_f("pa_", self.truth_vertices, found.apply_as_freihand_script(self.vertices), "_freihand_script")

    def _aligned_meshes(
        self, alignment: Alignment, truth: np.ndarray, joints: np.ndarray, moved: dict[Alignment, Similarity]
    ) -> tuple[np.ndarray, np.ndarray]:
        """True and predicted meshes under an alignment.

        After Procrustes by their own best similarity; by that of the joints where vertices do not correspond.
        """
        expected, these = self.truth_vertices, self.vertices
        if alignment == "root":
            root = self.protocol.root
            return root_align(expected, truth, root=root), root_align(these, joints, root=root)
        if alignment == "scale-translation":
            return expected, scale_translation_align(truth, joints, points=these)
        if alignment == "none":
            return expected, these
        reflections = alignment == "procrustes"
        if self.same_vertices:
            return expected, procrustes_align(expected, these, reflections=reflections)[0]
        return expected, (moved.get(alignment) or similarity(truth, joints, reflections=reflections)).apply(these)

    def _measure(self, alignment: Alignment, kind: str, values: np.ndarray) -> None:
        """Means, medians and curves of distances [rows, P] in the files' unit; NaN where there is none."""
        there = np.isfinite(values)
        counted = there
        if self.protocol.missing == "scored":
            counted = np.ones_like(there) if self.seen is None or kind == "vertex" else self.seen
        prefix, unit_mm = PREFIXES[alignment], self.protocol.unit_mm
        error, point = ("mpjpe", "joints") if kind == "joint" else ("mpvpe", "vertices")
        sums, found, total = np.where(there, values, 0.0), there.sum(1), counted.sum(1)
        self.result.per_frame[f"{prefix}{error}"] = _ratio(unit_mm * sums.sum(1), found)
        counts = []
        for number, curve in enumerate(self.protocol.curves):
            thresholds = curve.thresholds(unit_mm)
            bins = threshold_bins(values, thresholds, strict=curve.strict)
            counts.append(counts_of_bins(bins, len(thresholds)))
            name = f"{prefix}auc_{point}" + (f"@{curve.name}" if number else "")
            areas = areas_of_bins(curve)[bins] * counted
            self.result.per_frame[name] = _ratio(areas.sum(1), total)
        target = self.result.joints if kind == "joint" else self.result.vertices
        target[alignment] = PointErrors(counts, counted.sum(0), sums.sum(0), there.sum(0))

    def _measure_f(self, prefix: str, truth: np.ndarray, vertices: np.ndarray, suffix: str) -> None:
        limits = self.protocol.f_thresholds_mm
        values = f_scores(truth, vertices, [t / self.protocol.unit_mm for t in limits])
        nothing = 0.0 if self.protocol.missing == "scored" else np.nan
        for column, t in enumerate(limits):
            whole = np.full(self.rows, nothing)
            whole[self.found] = values[:, column]
            self.result.per_frame[f"{prefix}f{t:g}{suffix}"] = whole

    def _spread(self, values: np.ndarray, points: int) -> np.ndarray:
        whole = np.full((self.rows, points), np.nan)
        whole[self.found] = values
        return whole


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def _score_time(protocol: Protocol, pair: Pair, scores: Scores) -> None:
    """Accelerations, where the rows are a video's."""
    if pair.time is None:
        return
    frame, track = (a[: pair.count] for a in pair.time)
    truth, joints = pair.truth.joints(0, pair.count), pair.prediction.joints(0, pair.count)
    errors = acceleration_errors(frame, track, truth, joints, root=protocol.root)
    scores.per_frame["ra_acceleration_error"] = protocol.unit_mm * errors
    shaking = np.full(pair.count, np.nan)
    if pair.count > 2:
        rows, second = second_differences(frame, track, joints, root=protocol.root)
        shaking[rows] = protocol.unit_mm * np.linalg.norm(second, axis=-1).mean(-1)
    scores.per_frame["jitter"] = shaking
