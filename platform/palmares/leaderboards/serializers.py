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
    """A minus B, by a paired test over clusters of frames."""

    a = serializers.UUIDField()
    b = serializers.UUIDField()
    board = serializers.CharField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    revision = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="Of the 95% interval; null where there is no verdict.")
    high = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(allow_null=True, help_text="Two-sided; null where there is no verdict.")
    units = serializers.IntegerField(help_text="Clusters that the shared frames come from: the units of the test.")
    cluster_unit = serializers.CharField(help_text="What they are: subject, sequence, frame.")
    obstacle = serializers.CharField(help_text="Why there is no verdict: few, unequal, no frames; else empty.")
    shared = serializers.IntegerField(help_text="Frames that both have.")
    verdict = serializers.CharField()
