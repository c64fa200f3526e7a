"""`/api/v1/runs/{id}/slices/`: a score by attributes of the true hands, one or two crossed; where one run beats another."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ml.catalog import RUN_ALIGNMENTS, RUN_MEASURES, RUN_SLICES
from ml.metrics.slices import SliceValue, cells, stretches
from palmares.api.problems import ConflictError, InvalidError
from palmares.runs.models import RunScore
from palmares.runs.score_views import SIDES, ScoreView, asked_measure, read_frames


class SliceFrameSerializer(serializers.Serializer[Any]):
    """A hand in a frame."""

    frame = serializers.IntegerField()
    track = serializers.IntegerField(help_text="Of the ground truth.")
    side = serializers.CharField()
    value = serializers.FloatField()


class SliceDifferenceSerializer(serializers.Serializer[Any]):
    """This run minus the other, on the hands that both found."""

    mean = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(allow_null=True)
    shared = serializers.IntegerField()


class SliceCellSerializer(serializers.Serializer[Any]):
    """One slice, or one cell of two crossed."""

    key = serializers.ListField(child=serializers.CharField(), help_text="Category of each attribute of `by`.")
    n = serializers.IntegerField(help_text="True hands.")
    found = serializers.IntegerField(help_text="Of these, with a value.")
    mean = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="Of the 95% interval.")
    high = serializers.FloatField(allow_null=True)
    obstacle = serializers.CharField(help_text="Why there is no interval: `few`, `unequal`, `no frames`; else empty.")
    frames = SliceFrameSerializer(many=True, help_text="The worst, the worst first.")
    difference = SliceDifferenceSerializer(allow_null=True)


class SlicesSerializer(serializers.Serializer[Any]):
    """A measure by slices."""

    alignment = serializers.CharField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    by = serializers.ListField(child=serializers.CharField())
    against = serializers.UUIDField(allow_null=True)
    occlusion = serializers.CharField(help_text="What `occlusion` rests on: `truth`, or confidence of `detections`.")
    cells = SliceCellSerializer(many=True)


class RunSlicesView(ScoreView):
    """Scores of a run by slices."""

    problem_statuses = {"get": (409,)}  # noqa: RUF012 - read by the schema

    @extend_schema(
        operation_id="runs_slices",
        responses=SlicesSerializer,
        parameters=[
            OpenApiParameter("by", str, enum=list(RUN_SLICES), default="viewpoint"),
            OpenApiParameter("and", str, enum=list(RUN_SLICES), description="A second attribute, crossed with the first."),
            OpenApiParameter("alignment", str, enum=RUN_ALIGNMENTS, default="procrustes"),
            OpenApiParameter("metric", str, enum=list(RUN_MEASURES), default="mpjpe"),
            OpenApiParameter("against", UUID, description="Another run of the upload: differences to it, paired by hand."),
        ],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Get a measure of a run by attributes of the true hands.

        By one attribute or two crossed: each cell with its number of hands, mean, 95% interval and worst frames.
        """
        alignment, metric = asked_measure(request)
        by = _attributes(request)
        score = self.finished_score(pk)
        against = _other(request)
        other = None if against is None else self.finished_score(against)
        if other is not None and other.truth_id != score.truth_id:
            raise ConflictError("The other run was scored against another ground truth; compare runs of one upload.")
        found = sliced(score, alignment, metric, by, other=other)
        about = {"alignment": alignment, "metric": metric, "unit": RUN_MEASURES[metric], "by": by, "against": against}
        return Response(about | {"occlusion": score.content.get("occlusion", ""), "cells": found})


def sliced(
    score: RunScore, alignment: str, metric: str, by: list[str], *, other: RunScore | None = None
) -> list[dict[str, Any]]:
    """The cells of one or two attributes, as the API shows them.

    Raises:
        NotFoundError: the measure or the attributes are not there for this run.
    """
    name = f"{alignment}.{metric}"
    arrays = read_frames(score, ("frame", "track", "side", name, *(f"slice.{attribute}" for attribute in by)))
    fps = score.content.get("fps") or 1.0
    found = cells(
        arrays[name].astype(np.float64),
        [arrays[f"slice.{attribute}"] for attribute in by],
        stretches(arrays["frame"], arrays["track"], seconds_frames=round(fps) if score.run.upload.kind == "video" else 1),
        higher_is_better=RUN_MEASURES[metric] == "1",
        other=None if other is None else read_frames(other, (name,))[name].astype(np.float64),
    )
    return [_shown(cell, by, arrays, name) for cell in found]


def _shown(cell: SliceValue, by: list[str], arrays: dict[str, np.ndarray], name: str) -> dict[str, Any]:
    difference = cell.difference
    return {
        "key": [RUN_SLICES[attribute][code] for attribute, code in zip(by, cell.keys, strict=True)],
        "n": cell.hands,
        "found": cell.found,
        "mean": cell.mean,
        "low": cell.low,
        "high": cell.high,
        "obstacle": cell.obstacle,
        "frames": [
            {
                "frame": int(arrays["frame"][row]),
                "track": int(arrays["track"][row]),
                "side": SIDES[int(arrays["side"][row])],
                "value": round(float(arrays[name][row]), 4),
            }
            for row in cell.worst
        ],
        "difference": None
        if difference is None
        else {
            "mean": difference.mean if difference.shared else None,
            "low": difference.low,
            "high": difference.high,
            "p": difference.p,
            "shared": difference.shared,
        },
    }


def _attributes(request: Request) -> list[str]:
    by = [request.query_params.get("by", "viewpoint")]
    if crossed := request.query_params.get("and"):
        by.append(crossed)
    for attribute in by:
        if attribute not in RUN_SLICES:
            raise InvalidError(f"There is no attribute {attribute!r}; there are {', '.join(RUN_SLICES)}.", field="by")
    if len(set(by)) < len(by):
        raise InvalidError("An attribute cannot be crossed with itself.", field="and")
    return by


def _other(request: Request) -> UUID | None:
    text = request.query_params.get("against")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidError(f"{text!r} is not the id of a run.", field="against") from error
