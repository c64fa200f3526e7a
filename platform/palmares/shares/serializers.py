"""Share links as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from palmares.shares.models import LinkStatus, ShareLink
from palmares.shares.services import LONGEST_DAYS, MOST_SITES


class ShareSerializer(serializers.ModelSerializer[ShareLink]):
    """A share link. Its address is given once, when it is made."""

    kind = serializers.ChoiceField(choices=ShareLink.Kind.choices, read_only=True)
    status = serializers.ChoiceField(choices=LinkStatus.choices, read_only=True)
    allowed_sites = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ShareLink
        fields: ClassVar = [
            "id", "team", "kind", "target", "title", "state", "media", "truth", "names", "allowed_sites", "status",
            "created_at", "expires_at", "revoked_at", "last_used_at", "opened",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields


class NewShareSerializer(serializers.Serializer[Any]):
    """What to share, and how."""

    kind = serializers.ChoiceField(choices=ShareLink.Kind.choices)
    id = serializers.CharField(max_length=64, help_text="Of the dashboard, the upload, or the benchmark (or its slug).")
    state = serializers.CharField(
        max_length=4000, required=False, allow_blank=True, default="", help_text="Query string of the page that is shared."
    )
    expires_in_days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, required=False, default=30)
    media = serializers.BooleanField(required=False, default=False, help_text="Show videos, too.")
    truth = serializers.BooleanField(
        required=False, default=False, help_text="Show the ground truth of uploads in viewers, and errors by it."
    )
    names = serializers.BooleanField(required=False, default=False, help_text="Show names of subjects and uploads, too.")
    allowed_sites = serializers.ListField(
        child=serializers.CharField(max_length=255),
        max_length=MOST_SITES,
        required=False,
        default=list,
        help_text="Origins of sites that may embed it, such as https://lab.example.org.",
    )


class MadeShareSerializer(ShareSerializer):
    """A link that was just made, with its address."""

    url = serializers.CharField(help_text="Shown this once; only a hash of it is kept.")

    class Meta(ShareSerializer.Meta):
        fields: ClassVar = [*ShareSerializer.Meta.fields, "url"]
        read_only_fields: ClassVar = fields
