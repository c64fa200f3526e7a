"""Benchmarks, submissions and scores as the API shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class PlaceSerializer(serializers.Serializer[Any]):
    """Where a submission stands, and its figure there."""

    rank = serializers.IntegerField(allow_null=True)
    value = serializers.FloatField()


class RankChangeSerializer(serializers.Serializer[Any]):
    """What publishing a revision changes for one submission; null where it has no figure."""

    submission = serializers.UUIDField(source="submission.pk")
    method = serializers.CharField(source="submission.method")
    old = PlaceSerializer(allow_null=True)
    new = PlaceSerializer(allow_null=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    """A minus B, by a paired bootstrap."""

    a = serializers.UUIDField()
    b = serializers.UUIDField()
    board = serializers.CharField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    revision = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(allow_null=True)
    units = serializers.IntegerField(help_text="Sequences or frames that were drawn from.")
    shared = serializers.IntegerField(help_text="Frames that both have.")
    verdict = serializers.CharField()
