"""Methods, runs and predictions as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ml.catalog import METHODS, PREDICTION_FORMATS
from palmares.api.limited_check import FindingSerializer
from palmares.queue.fairness import place_in_queue
from palmares.queue.models import Status
from palmares.queue.waiting_times import seconds_left
from palmares.runs.external_runs import MAX_METHOD_NAME
from palmares.runs.method_names import colour_of
from palmares.runs.models import Prediction, Run
from palmares.runs.services import MOST_UPLOADS, first_methods
from palmares.subjects.models import HandShape
from palmares.subjects.serializers import HandShapeField
from palmares.uploads.attached_files import SIDE_CHOICES
from palmares.uploads.hand_box_views import NewHandBoxSerializer
from palmares.uploads.models import Upload

METHOD_CHOICES = [(name, name) for name in METHODS]


class MethodOptionSerializer(serializers.Serializer[Any]):
    """An option of a method: one of `choices`, or a number from `least` to `most`."""

    name = serializers.CharField()
    title = serializers.CharField()
    default = serializers.JSONField(allow_null=True)
    choices = serializers.ListField(child=serializers.JSONField())
    least = serializers.FloatField()
    most = serializers.FloatField()


class MethodSerializer(serializers.Serializer[Any]):
    """A method that can be run."""

    name = serializers.CharField()
    title = serializers.CharField()
    citation = serializers.CharField()
    inputs = serializers.ListField(child=serializers.CharField())
    outputs = serializers.ListField(child=serializers.CharField())
    summary = serializers.CharField()
    version = serializers.CharField()
    hand_models = serializers.ListField(child=serializers.CharField(), help_text="Those it can pose.")
    colour = serializers.CharField(help_text="The same in every mesh, curve and row.")
    options = MethodOptionSerializer(many=True)
    refines = serializers.BooleanField(help_text="Whether it can start from the hands of another run.")


class PredictionSerializer(serializers.ModelSerializer[Prediction]):
    """What came out of a run, in short."""

    summary = serializers.DictField(child=serializers.FloatField(allow_null=True), read_only=True)

    class Meta:
        model = Prediction
        fields: ClassVar = ["sha256", "size_bytes", "rows", "hand_model", "summary"]
        read_only_fields: ClassVar = fields


class LinksSerializer(serializers.Serializer[Any]):
    """Addresses of what a run made; null until it has."""

    prediction = serializers.CharField(allow_null=True)
    track = serializers.CharField(allow_null=True)
    series = serializers.CharField(allow_null=True)
    scores = serializers.CharField(allow_null=True)


class RunSummarySerializer(serializers.ModelSerializer[Run]):
    """One run in a list."""

    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    method_title = serializers.CharField(source="title", read_only=True, help_text="With the method that is refined.")
    colour = serializers.SerializerMethodField()
    seconds_left = serializers.SerializerMethodField()
    shape_used = serializers.CharField(read_only=True, help_text="Where the hand's shape came from.")
    shape_by_side = serializers.SerializerMethodField(
        help_text="Of `left` and `right`, where found: `given`, `calibrated` from the clip itself, or `estimated`; null before."
    )
    is_external = serializers.BooleanField(read_only=True, help_text="Whether predictions were sent, not computed here.")
    prediction = PredictionSerializer(read_only=True, allow_null=True)
    links = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields: ClassVar = [
            "id", "upload", "method", "method_version", "method_title", "colour", "is_external", "link", "status", "stage",
            "progress",
            "seconds_left", "error", "hand_model", "hand_shape", "shape_used", "shape_by_side",
            "start", "start_method", "created_at", "started_at", "finished_at", "prediction", "links",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    def get_colour(self, run: Run) -> str:
        return colour_of(run.method)

    def get_seconds_left(self, run: Run) -> float | None:
        return seconds_left(item=run) if run.status == Status.RUNNING else None

    def get_shape_by_side(self, run: Run) -> dict[str, str] | None:
        sides: dict[str, str] | None = run.shape.get("sides")
        return sides

    @extend_schema_field(LinksSerializer)
    def get_links(self, run: Run) -> dict[str, str | None]:
        done = run.prediction_id is not None
        return {
            name: reverse(f"run-{name}", kwargs={"pk": run.pk}) if done else None
            for name in ("prediction", "track", "series", "scores")
        }


class RunBoxSerializer(NewHandBoxSerializer):
    """A box in which a run looks for a hand."""

    id = serializers.UUIDField()


class RunSerializer(RunSummarySerializer):
    """One run: where it is on its way, and what came out."""

    place = serializers.SerializerMethodField(help_text="In the queue; 1 is next. Null when it is not queued.")

    findings = FindingSerializer(many=True, read_only=True)
    options = serializers.DictField(read_only=True, help_text="Of the method; those left out have their defaults.")
    boxes = RunBoxSerializer(many=True, read_only=True, help_text="Of the upload when the run was started: it looks inside.")

    class Meta(RunSummarySerializer.Meta):
        fields: ClassVar = [*RunSummarySerializer.Meta.fields, "place", "findings", "options", "boxes"]
        read_only_fields: ClassVar = fields

    def get_place(self, run: Run) -> int | None:
        return place_in_queue(item=run) if run.status == Status.QUEUED else None


class UploadField(serializers.PrimaryKeyRelatedField):
    """An upload by id; those the caller may not see do not exist."""

    def get_queryset(self) -> Any:
        return Upload.objects.visible_to(self.context["request"].user)


class RunField(serializers.PrimaryKeyRelatedField):
    """A run by id; those the caller may not see do not exist."""

    def get_queryset(self) -> Any:
        return Run.objects.visible_to(self.context["request"].user)


class NewRunSerializer(serializers.Serializer[Any]):
    """Which method to run on which upload."""

    upload = UploadField(queryset=Upload.objects.none())
    method = serializers.ChoiceField(
        choices=METHOD_CHOICES, required=False, help_text="Where it is left out: `hmp2024`, on images `fused-fit`."
    )
    hand_model = serializers.ChoiceField(choices=[("open", "open"), ("mano", "mano")], default="open")
    hand_shape = HandShapeField(queryset=HandShape.objects.none(), required=False, allow_null=True)
    start = RunField(queryset=Run.objects.none(), required=False, allow_null=True, help_text="A finished run to refine.")
    options = serializers.DictField(required=False, help_text="Of the method, by name.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"method": first_methods(attrs["upload"])[0], **attrs}


class RunBatchSerializer(serializers.Serializer[Any]):
    """Which methods to run on which uploads."""

    uploads = serializers.ListField(child=UploadField(queryset=Upload.objects.none()), min_length=1, max_length=MOST_UPLOADS)
    methods = serializers.ListField(
        child=serializers.ChoiceField(choices=METHOD_CHOICES),
        max_length=len(METHODS),
        default=list,
        help_text="Names; where there is none: `hmp2024` and `fused-fit`, on images `fused-fit` alone.",
    )


class QueuedRunsSerializer(serializers.Serializer[Any]):
    """What came of it."""

    queued = serializers.IntegerField()
    left_out = serializers.IntegerField(
        help_text="Queued, running or done already, on an upload that failed, or too many for the team."
    )


class NewExternalRunSerializer(serializers.Serializer[Any]):
    """Predictions of an external method, for an upload."""

    upload = UploadField(queryset=Upload.objects.none())
    method_name = serializers.CharField(max_length=MAX_METHOD_NAME)
    file = serializers.FileField(allow_empty_file=True, max_length=1000)
    format = serializers.ChoiceField(choices=list(PREDICTION_FORMATS.items()))
    version = serializers.CharField(required=False, allow_blank=True, max_length=40, default="")
    link = serializers.URLField(required=False, allow_blank=True, max_length=300, default="", help_text="To paper or code.")
    side = serializers.ChoiceField(choices=SIDE_CHOICES, default="right", help_text="Of the hands, in formats that do not say.")
