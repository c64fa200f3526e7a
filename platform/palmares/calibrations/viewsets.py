"""`/api/v1/subjects/{id}/calibrations/` and `calibrations/`: a subject's hand shape from a few images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from palmares.api.idempotency import KEY_PARAMETER, idempotent
from palmares.api.problems import NotFoundError
from palmares.api.ranges import stored_file
from palmares.api.schema import RANGE, file_responses
from palmares.calibrations import services
from palmares.calibrations.models import Calibration
from palmares.queue.fairness import place_in_queue
from palmares.queue.models import Status
from palmares.queue.waiting_times import seconds_left
from palmares.subjects.models import HandShape, Subject
from palmares.subjects.serializers import HandShapeSerializer
from palmares.teams.viewsets import caller
from palmares.uploads.models import Upload


class CalibrationSerializer(serializers.ModelSerializer[Calibration]):
    """One calibration: where it is on its way, and the hand shape that came out."""

    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    place = serializers.SerializerMethodField(help_text="In the queue; 1 is next. Null when it is not queued.")
    seconds_left = serializers.SerializerMethodField()
    hand_shape = HandShapeSerializer(read_only=True, allow_null=True)
    solver = serializers.SerializerMethodField(help_text="Used or requested; empty until the default is chosen.")
    problem = serializers.SerializerMethodField(help_text="Deprecated: `solver` by its name in version 0.1.")
    scale = serializers.DictField(read_only=True)
    facts = serializers.DictField(
        read_only=True, help_text="Images used with their weights, and the convergence of the estimate."
    )

    class Meta:
        model = Calibration
        fields: ClassVar = [
            "id", "subject", "uploads", "side", "max_images", "weights", "solver", "problem", "scale", "status", "stage",
            "progress", "place", "seconds_left", "error", "hand_shape", "facts", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    def get_place(self, item: Calibration) -> int | None:
        return place_in_queue(item=item) if item.status == Status.QUEUED else None

    def get_solver(self, item: Calibration) -> str:
        return item.facts.get("solver") or item.solver

    def get_problem(self, item: Calibration) -> str:
        solver = self.get_solver(item)
        return next((previous for previous, name in services.PREVIOUS_NAMES.items() if name == solver), solver)

    def get_seconds_left(self, item: Calibration) -> float | None:
        return seconds_left(item=item) if item.status == Status.RUNNING else None


class UploadsField(serializers.PrimaryKeyRelatedField):
    """Uploads by id; those the caller may not see do not exist."""

    def get_queryset(self) -> Any:
        return Upload.objects.visible_to(self.context["request"].user)


def _among(choices: Sequence[str]) -> dict[str, Any]:
    """What is said of a value that is not among the choices: which there are."""
    return {"invalid_choice": f"There is no “{{input}}”; there are {', '.join(choices)}."}


class NewCalibrationSerializer(serializers.Serializer[Any]):
    """From what to calibrate, and what is known of the size."""

    uploads = UploadsField(many=True, queryset=Upload.objects.none())
    side = serializers.ChoiceField(choices=HandShape.Side.choices, default="both", error_messages=_among(HandShape.Side.values))
    max_images = serializers.IntegerField(min_value=2, max_value=services.MAX_IMAGES, default=services.MAX_IMAGES)
    weights = serializers.ChoiceField(choices=services.WEIGHTS, default="confidence", error_messages=_among(services.WEIGHTS))
    solver = serializers.ChoiceField(
        choices=services.SOLVERS,
        required=False,
        allow_blank=True,
        error_messages=_among(services.SOLVERS),
        help_text="`joint-bundle`, `shrinkage`, `poster` (the paper's), `mean` (the released code's); empty: the default.",
    )
    problem = serializers.ChoiceField(
        choices=[*services.PREVIOUS_NAMES, "poster", "mean"],
        required=False,
        allow_blank=True,
        error_messages=_among(services.SOLVERS),
        help_text="Deprecated: `solver` by its name in version 0.1.",
    )
    scale = serializers.DictField(
        required=False,
        help_text="`length_mm`; `object` {size_mm, size_px, upload, frame}; `distance` {distance_mm, upload, frame}.",
    )


class SubjectCalibrationsView(APIView):
    """A subject's calibrations."""

    permission_classes = (IsAuthenticated,)
    problem_statuses: ClassVar = {"post": (409,)}

    def subject(self, request: Request, pk: UUID) -> Subject:
        return get_object_or_404(Subject.objects.visible_to(request.user).select_related("team"), pk=pk)

    @extend_schema(responses=CalibrationSerializer(many=True))
    def get(self, request: Request, subject_id: UUID) -> Response:
        """List the newest fifty calibrations of a subject."""
        found = self.subject(request, subject_id).calibrations.select_related("hand_shape").prefetch_related("uploads")[:50]
        return Response(CalibrationSerializer(found, many=True).data)

    @extend_schema(request=NewCalibrationSerializer, responses={201: CalibrationSerializer}, parameters=[KEY_PARAMETER])
    @idempotent
    def post(self, request: Request, subject_id: UUID) -> Response:
        """Start a calibration from uploads of a subject. What comes out is a hand shape, which runs may take."""
        subject = self.subject(request, subject_id)
        form = NewCalibrationSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        data["solver"] = data.get("solver") or data.pop("problem", "")
        data.pop("problem", None)
        made = services.start_calibration(subject=subject, by=caller(self), **data)
        return Response(CalibrationSerializer(made).data, status=status.HTTP_201_CREATED)


class CalibrationViewSet(mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Calibration]):
    """One calibration. Follow `status`; `error` says why one failed. Deleting one removes its hand shape."""

    queryset = Calibration.objects.none()
    serializer_class = CalibrationSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    problem_statuses: ClassVar = {"cancel": (409,), "retry": (409,)}

    def get_queryset(self) -> QuerySet[Calibration]:
        return Calibration.objects.visible_to(self.request.user).select_related("subject__team", "hand_shape")

    def perform_destroy(self, instance: Calibration) -> None:
        services.delete_calibration(calibration=instance, by=caller(self))

    @extend_schema(request=None, responses=CalibrationSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel a calibration."""
        services.cancel_calibration(calibration=self.get_object(), by=caller(self))
        return Response(CalibrationSerializer(self.get_object()).data)

    @extend_schema(request=None, responses=CalibrationSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Queue a calibration again that failed or was cancelled."""
        services.retry_calibration(calibration=self.get_object(), by=caller(self))
        return Response(CalibrationSerializer(self.get_object()).data)


CONTENT_TYPES = {"glb": "model/gltf-binary", "jpg": "image/jpeg"}


class CalibrationFileView(APIView):
    """What a calibration drew: crops of the images it used, and the hand in the rest pose."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=file_responses(*CONTENT_TYPES.values()), parameters=[RANGE])
    def get(self, request: Request, pk: UUID, drawing: str) -> HttpResponseBase:
        """Get a file of a calibration. `frame-NN.jpg` is a crop of an image it used, `hand.glb` the mesh (y up, metres)."""
        found = get_object_or_404(Calibration.objects.visible_to(request.user), pk=pk)
        if not found.folder:
            raise NotFoundError(f"This calibration is {found.status} and has no files.")
        return stored_file(request, f"{found.folder}/{drawing}", content_type=CONTENT_TYPES[drawing.rsplit(".", 1)[-1]])

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID, drawing: str) -> HttpResponseBase:
        return self.get(request, pk, drawing)
