"""Benchmarks, submissions and scores as the API shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from palmares.queue.fairness import place_in_queue
from palmares.queue.models import Status
from palmares.queue.waiting_times import seconds_left


class WorkSerializer(serializers.ModelSerializer[Any]):
    """What every unit of work says of itself."""

    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    place = serializers.SerializerMethodField(
        help_text="In the queue; 1 is next. Null when it is not queued, or waits for something outside (`stage`)."
    )
    seconds_left = serializers.SerializerMethodField()

    def get_place(self, item: Any) -> int | None:
        work = item.work_item
        return place_in_queue(item=work) if work else None

    def get_seconds_left(self, item: Any) -> float | None:
        work = item.work_item
        return seconds_left(item=work) if work else None
