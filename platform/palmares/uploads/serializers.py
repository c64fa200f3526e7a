"""Uploads as the API shows them, and what it takes to send one."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from palmares.api.limited_check import FindingSerializer
from palmares.queue.fairness import place_in_queue
from palmares.queue.models import Status
from palmares.queue.waiting_times import seconds_left
from palmares.subjects.models import Subject
from palmares.subjects.serializers import SubjectField, TeamField
from palmares.teams.models import Team
from palmares.uploads.intrinsics import GivenCamera
from palmares.uploads.models import GroundTruth, PublicStatus, Upload

MEDIA = {"web_video": "web.mp4", "poster": "poster.jpg", "filmstrip": "filmstrip.jpg"}


class MediaSerializer(serializers.Serializer[Any]):
    """Addresses of an upload's media; null until it is ready."""

    web_video = serializers.CharField(allow_null=True)
    poster = serializers.CharField(allow_null=True)
    filmstrip = serializers.CharField(allow_null=True)


class UploadSummarySerializer(serializers.ModelSerializer[Upload]):
    """One upload in a list."""

    status = serializers.ChoiceField(choices=PublicStatus.choices, source="public_status", read_only=True)
    kind = serializers.ChoiceField(choices=[(k.value, k.value) for k in Upload.Kind], read_only=True)
    seconds_left = serializers.SerializerMethodField()
    duration = serializers.SerializerMethodField(help_text="Seconds.")
    intrinsics = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        read_only=True,
        help_text="Nine numbers, row by row, pixels of web.mp4.",
    )
    intrinsics_assumed = serializers.SerializerMethodField(help_text="Whether the intrinsics are a stated default.")
    notes = serializers.SerializerMethodField(help_text="Sentences on what of the file was left out, assumed or mended.")
    media = serializers.SerializerMethodField()

    class Meta:
        model = Upload
        fields: ClassVar = [
            "id", "subject", "name", "kind", "status", "stage", "progress", "seconds_left", "error",
            "size_bytes", "received_bytes", "sha256", "fps", "width", "height", "frame_count", "duration",
            "intrinsics", "intrinsics_assumed", "notes", "created_at", "started_at", "finished_at", "media",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    def get_seconds_left(self, upload: Upload) -> float | None:
        return seconds_left(item=upload) if upload.status == Status.RUNNING else None

    def get_duration(self, upload: Upload) -> float | None:
        return upload.frame_count / upload.fps if upload.frame_count and upload.fps else None

    def get_intrinsics_assumed(self, upload: Upload) -> bool:
        return "camera" not in upload.facts and "synthetic" not in upload.facts

    def get_notes(self, upload: Upload) -> list[str]:
        return list(upload.facts.get("notes", ()))

    @extend_schema_field(MediaSerializer)
    def get_media(self, upload: Upload) -> dict[str, str | None]:
        ready = upload.status == Status.SUCCEEDED and bool(upload.folder)
        return {name: media_url(upload, file) if ready else None for name, file in MEDIA.items()}


class TruthLinksSerializer(serializers.Serializer[Any]):
    """Addresses of a ground truth's files; null until it was read."""

    truth = serializers.CharField(allow_null=True)
    track = serializers.CharField(allow_null=True)


class GroundTruthSerializer(serializers.ModelSerializer[GroundTruth]):
    """The ground truth of an upload: where it is on its way, and what it is."""

    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    findings = FindingSerializer(many=True, read_only=True)
    links = serializers.SerializerMethodField()

    class Meta:
        model = GroundTruth
        fields: ClassVar = [
            "id", "upload", "status", "stage", "progress", "error", "name", "format", "side", "size_bytes", "rows",
            "hand_model", "has_vertices", "findings", "created_at", "links",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    @extend_schema_field(TruthLinksSerializer)
    def get_links(self, truth: GroundTruth) -> dict[str, str | None]:
        routes = {"truth": "upload-truth", "track": "upload-truth-track"}
        return {
            name: reverse(route, kwargs={"pk": truth.upload_id}) if truth.folder else None for name, route in routes.items()
        }


class UploadSerializer(UploadSummarySerializer):
    """One upload: where it is on its way, and what it is."""

    place = serializers.SerializerMethodField(help_text="In the queue; 1 is next. Null when it is not queued.")
    truth = serializers.SerializerMethodField(help_text="Its ground truth; null where it has none.")

    class Meta(UploadSummarySerializer.Meta):
        fields: ClassVar = [*UploadSummarySerializer.Meta.fields, "place", "truth"]
        read_only_fields: ClassVar = fields

    @extend_schema_field(GroundTruthSerializer(allow_null=True))
    def get_truth(self, upload: Upload) -> dict[str, Any] | None:
        truth = getattr(upload, "ground_truth", None)
        return None if truth is None else dict(GroundTruthSerializer(truth).data)

    def get_place(self, upload: Upload) -> int | None:
        return place_in_queue(item=upload) if upload.status == Status.QUEUED and upload.received_at else None


class NewUploadSerializer(serializers.Serializer[Any]):
    """A file, whose hands it shows, and what is known of the camera."""

    file = serializers.FileField(allow_empty_file=True, max_length=1000, help_text="A video, an image, or a ZIP of images.")
    subject = SubjectField(queryset=Subject.objects.none(), required=False, allow_null=True)
    team = TeamField(queryset=Team.objects.none(), required=False, allow_null=True)
    focal_px = serializers.FloatField(required=False, allow_null=True, help_text="Focal length in pixels of the file.")
    intrinsics = serializers.CharField(
        required=False,
        max_length=1000,
        help_text="JSON list of nine numbers, row by row: the camera matrix in pixels of the file.",
    )

    def validate_intrinsics(self, text: str) -> list[float] | None:
        if not text:
            return None
        try:
            numbers = json.loads(text)
            return [float(x) for x in numbers]
        except (TypeError, ValueError, RecursionError, OverflowError) as error:
            raise serializers.ValidationError("Expected a JSON list of nine numbers, row by row.") from error

    def camera(self) -> GivenCamera:
        """What was given of the camera."""
        data = self.validated_data
        return GivenCamera(focal_px=data.get("focal_px"), intrinsics=data.get("intrinsics"))


class UploadUpdateSerializer(serializers.Serializer[Any]):
    """What can be changed of an upload. `focal_px` or `intrinsics` replace what was known of the camera; null removes it."""

    name = serializers.CharField(required=False, max_length=255)
    subject = SubjectField(queryset=Subject.objects.none(), required=False, help_text="Another subject of the same team.")
    focal_px = serializers.FloatField(required=False, allow_null=True, help_text="Focal length in pixels of the file.")
    intrinsics = serializers.ListField(
        child=serializers.FloatField(),
        required=False,
        allow_null=True,
        min_length=9,
        max_length=9,
        help_text="Camera matrix in pixels of the file: nine numbers, row by row.",
    )

    def changes(self) -> dict[str, Any]:
        """Arguments of `palmares.uploads.services.update_upload`."""
        data = dict(self.validated_data)
        camera = {name: data.pop(name) for name in ("focal_px", "intrinsics") if name in data}
        return data | ({"camera": GivenCamera(**camera)} if camera else {})


def media_url(upload: Upload, file: str) -> str:
    """Address of one of an upload's files."""
    return reverse("upload-media", kwargs={"pk": upload.pk, "file": file})
