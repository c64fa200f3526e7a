"""`/api/v1/runs/{id}/scores/`: errors of a run against the ground truth of its upload, for the team that sees both."""

from __future__ import annotations

import zipfile
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ml.catalog import RUN_ALIGNMENTS, RUN_MEASURES
from palmares.api.problems import InvalidError, NotFoundError
from palmares.queue.models import Status
from palmares.runs.mesh_export import read_member
from palmares.runs.models import Run, RunScore
from palmares.runs.scores import FRAMES_FILE, JOINTS
from palmares.stored_object import open_seekable

SIDES: Final = ("left", "right")
DECIMALS: Final = 6
"""Of values by frame: they are stored as float32."""


class ScoresSerializer(serializers.Serializer[Any]):
    """Errors of a run over the whole clip; empty where it has not been scored (yet)."""

    status = serializers.ChoiceField(choices=Status.choices)
    stage = serializers.CharField()
    progress = serializers.FloatField()
    error = serializers.CharField()
    unit = serializers.CharField(help_text="Of distances.")
    scorer = serializers.CharField(help_text="Version of the scorer.")
    alignments = serializers.DictField(
        child=serializers.DictField(child=serializers.FloatField(allow_null=True)),
        help_text="Alignment → measure → mean over the hands that were found.",
    )
    penalised = serializers.DictField(help_text="The same with missing hands, each `penalty_mm` or more.")
    coverage = serializers.FloatField(allow_null=True, help_text="Share of the true hands that were found.")
    counts = serializers.DictField(child=serializers.IntegerField())
    vertices = serializers.DictField(child=serializers.IntegerField(allow_null=True))
    fps = serializers.FloatField(allow_null=True, help_text="Frame rate that accelerations are at.")
    joints = serializers.DictField(
        child=serializers.DictField(child=serializers.FloatField(allow_null=True)), help_text="Alignment → joint → mean, mm."
    )
    reflected = serializers.IntegerField(help_text="Hands that align better when mirrored.")
    notes = serializers.ListField(child=serializers.CharField())
    slices = serializers.DictField(
        child=serializers.DictField(child=serializers.JSONField()),
        help_text="Attribute → category → `n` true hands, of which `found`, and their `mpjpe` by alignment.",
    )
    worst = serializers.ListField(
        child=serializers.JSONField(),
        help_text="The worst by PA-MPJPE: `frame`, `side`, `pose`, `value`, and joints of `truth` and `prediction`, px.",
    )
    motion = serializers.JSONField(
        allow_null=True, help_text="`lag_frames` and `kept_amplitude` against the truth's motion; null of images."
    )


class HandValuesSerializer(serializers.Serializer[Any]):
    """A hand of the ground truth: one value a frame, null where there is none."""

    track = serializers.IntegerField()
    side = serializers.CharField()
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))


class ScoreFramesSerializer(serializers.Serializer[Any]):
    """One measure of a run by frame and hand."""

    alignment = serializers.CharField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    fps = serializers.FloatField(allow_null=True)
    frame_count = serializers.IntegerField()
    hands = HandValuesSerializer(many=True)


_EMPTY: Final[dict[str, Any]] = {
    "unit": "mm", "scorer": "", "alignments": {}, "penalised": {}, "coverage": None, "counts": {}, "vertices": {}, "fps": None,
    "joints": {}, "reflected": 0, "notes": [], "slices": {}, "worst": [], "motion": None,
}  # fmt: skip


class ScoreView(APIView):
    """What views of scores share: who may see them."""

    permission_classes = (IsAuthenticated,)

    def score(self, pk: UUID) -> RunScore | None:
        """The score; None while it is not even asked for.

        Raises:
            NotFoundError: the upload has no ground truth.
        """
        visible = Run.objects.visible_to(self.request.user).select_related("upload__ground_truth", "score")
        run = get_object_or_404(visible, pk=pk)
        if getattr(run.upload, "ground_truth", None) is None:
            raise NotFoundError(f"“{run.upload}” has no ground truth to score this run against; attach one on its page.")
        score: RunScore | None = getattr(run, "score", None)
        return score

    def finished_score(self, pk: UUID) -> RunScore:
        """The score with its files.

        Raises:
            NotFoundError: the upload has no ground truth, or the run is not scored (yet).
        """
        score = self.score(pk)
        if score is None or not score.folder:
            raise NotFoundError("This run is not scored yet." if score is None else f"The score of this run is {score.status}.")
        return score


class ScoresView(ScoreView):
    """Scores of a run."""

    @extend_schema(operation_id="runs_scores_retrieve", responses=ScoresSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """Get the errors of a run against the ground truth of its upload."""
        return Response(shown_score(self.score(pk)))


class ScoreFramesView(ScoreView):
    """Scores of a run by frame."""

    @extend_schema(
        operation_id="runs_scores_frames",
        responses=ScoreFramesSerializer,
        parameters=[
            OpenApiParameter("alignment", str, enum=RUN_ALIGNMENTS, default="procrustes"),
            OpenApiParameter("metric", str, enum=list(RUN_MEASURES), default="mpjpe"),
            OpenApiParameter("joint", int, description="Of `mpjpe`: one joint alone, 0 (wrist) to 20."),
        ],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Get one measure of a run for each frame and hand."""
        alignment, metric = asked_measure(request)
        joint = _joint(request.query_params.get("joint"), metric)
        score = self.finished_score(pk)
        values = frame_values(score, alignment, metric, joint=joint)
        about = {"alignment": alignment, "metric": metric, "unit": RUN_MEASURES[metric], "fps": score.content.get("fps")}
        return Response(about | values)


def asked_measure(request: Request) -> tuple[str, str]:
    """Alignment and measure of the query.

    Raises:
        InvalidError: there is no such alignment or measure.
    """
    alignment, metric = (request.query_params.get(*each) for each in (("alignment", "procrustes"), ("metric", "mpjpe")))
    if alignment not in RUN_ALIGNMENTS:
        raise InvalidError(f"There is no alignment {alignment!r}; there are {', '.join(RUN_ALIGNMENTS)}.", field="alignment")
    if metric not in RUN_MEASURES or (metric == "acceleration" and alignment != "root"):
        there = "; `acceleration` is under the alignment root" if metric == "acceleration" else ""
        raise InvalidError(f"There is no metric {metric!r} here; there are {', '.join(RUN_MEASURES)}{there}.", field="metric")
    return alignment, metric


def shown_score(score: RunScore | None) -> dict[str, Any]:
    """A score as the API shows it."""
    if score is None:
        return {"status": Status.QUEUED, "stage": "", "progress": 0.0, "error": "", **_EMPTY}
    state: dict[str, Any] = {"status": score.status, "stage": score.stage, "progress": score.progress, "error": score.error}
    return {**state, **_EMPTY, **score.content}


def frame_values(score: RunScore, alignment: str, metric: str, *, joint: int | None = None) -> dict[str, Any]:
    """`frame_count`, and of each hand of the ground truth its values by frame.

    Raises:
        NotFoundError: the measure is not defined for this run, such as errors of meshes for one without meshes.
    """
    name = f"{alignment}.{metric}" if joint is None else f"{alignment}.joints"
    arrays = read_frames(score, ("frame", "track", "side", name))
    values = arrays[name].astype(np.float64)
    count = int(score.run.upload.frame_count or 0)
    hands = []
    for track, side in sorted(set(zip(arrays["track"].tolist(), arrays["side"].tolist(), strict=True))):
        own = (arrays["track"] == track) & (arrays["side"] == side)
        spread = np.full(count, np.nan)
        spread[arrays["frame"][own]] = values[own] if joint is None else values[own, joint]
        numbers = [round(value, DECIMALS) if np.isfinite(value) else None for value in spread.tolist()]
        hands.append({"track": track, "side": SIDES[side], "values": numbers})
    return {"frame_count": count, "hands": hands}


def read_frames(score: RunScore, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays of a score's file by frame.

    Raises:
        NotFoundError: there is no such array.
    """
    try:
        with open_seekable(f"{score.folder}/{FRAMES_FILE}") as source, zipfile.ZipFile(source) as archive:
            return {name: read_member(source, archive, name) for name in names}
    except FileNotFoundError as error:
        raise NotFoundError("The values by frame of this score do not exist any more.") from error


def _joint(text: str | None, metric: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) < len(JOINTS)) or metric != "mpjpe":
        raise InvalidError("`joint` is a number from 0 (wrist) to 20, with the metric mpjpe.", field="joint")
    return int(text)
