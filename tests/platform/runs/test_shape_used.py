"""What a run says about the hand shape: what it was given and what its prediction contains, not what the tables contain now."""

from __future__ import annotations

import importlib
import io
import json

import numpy as np
import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run
from palmares.runs.shape_used import by_side, in_words, kept
from palmares.subjects.models import HandShape
from tests.factories import HandShapeFactory, RunFactory

GIVEN = {"shape": {"left": "given", "right": "given"}}
LEFT = {"shape": {"left": "given", "right": "estimated"}}


def said(
    shape: HandShape | None, meta: dict, found: tuple[str, ...], *, method: str = "2d-fit", independent: bool = False
) -> str:
    sides = by_side(method=method, meta=meta, found=found, independent=independent)
    return in_words(method=method, shape={**kept(shape), "sides": sides})


@pytest.fixture
def shapes(subject) -> dict[str, HandShape]:
    made = {
        side: HandShapeFactory(subject=subject, side=side, source="calibrated", length_mm=187.2) for side in ("both", "left")
    }
    HandShape.objects.update(created_at="2026-11-21T12:00Z")
    return {side: HandShape.objects.get(pk=shape.pk) for side, shape in made.items()}


def test_the_text_describes_the_shape_of_each_side_in_the_prediction(shapes):
    words = "calibrated on 21 Nov 2026, 187 mm long"
    assert said(shapes["both"], GIVEN, ("left", "right")) == words
    assert said(shapes["both"], GIVEN, ("right",)) == words
    assert said(shapes["left"], LEFT, ("left",)) == words
    assert said(shapes["left"], LEFT, ("left", "right")) == f"{words}, for the left hand; estimated, for the right hand"
    missing = f"estimated for the right hand; no left hand was found, whose shape was {words}"
    assert said(shapes["left"], LEFT, ("right",)) == missing
    assert said(shapes["left"], LEFT, ()) == f"not used, as no hand was found: {words}, for the left hand"


def test_without_a_given_shape_the_text_says_how_the_method_got_it(db):
    assert said(None, {}, ("left", "right")) == "estimated"
    assert said(None, {}, ("right",), method="kong2022-identity") == "calibrated from this clip"
    assert said(None, {}, ("right",), method="kong2022-identity", independent=True) == "estimated"
    assert in_words(method="kong2022-identity", shape={}) == "calibrated from this clip"


def test_a_deleted_shape_is_still_what_the_run_used(api, client, member, upload, shapes):
    body = {"upload": str(upload.pk), "method": "2d-fit", "hand_shape": str(shapes["both"].pk)}
    made = api(member).post("/api/v1/runs/", body).json()
    assert made["shape_by_side"] is None
    run = Run.objects.get()
    Run.objects.update(shape={**run.shape, "sides": {"right": "given"}})
    HandShape.objects.all().delete()
    found = api(member).get(f"/api/v1/runs/{run.pk}/").json()
    assert found["hand_shape"] is None
    assert found["shape_used"] == "calibrated on 21 Nov 2026, 187 mm long"
    assert found["shape_by_side"] == {"right": "given"}
    client.force_login(member)
    for page in (f"/runs/{run.pk}/", f"/uploads/{upload.pk}/", f"/uploads/{upload.pk}/view/"):
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert "calibrated on 21 Nov 2026, 187 mm long" in answer.content.decode(), page


def predicted(run: Run, meta: dict, sides: list[int]) -> None:
    folder, target = f"runs/{run.pk}/1", io.BytesIO()
    np.savez(
        target,
        meta=np.array(json.dumps(meta)),
        side=np.array(sides, np.uint8),
        betas=np.full((len(sides), 10), 0.5, np.float32),
    )
    default_storage.save(f"{folder}/prediction.npz", ContentFile(target.getvalue()))
    run.prediction = Prediction.objects.create(folder=folder, sha256="0" * 64, size_bytes=1, rows=len(sides), hand_model="open")
    run.status = Status.SUCCEEDED
    run.save()


def test_the_migration_reads_the_shapes_of_older_runs_from_their_predictions(upload, shapes):
    tell = importlib.import_module("palmares.runs.migrations.0004_run_keeps_the_shape_it_was_given").tell
    gone, there, never, lost, waiting = (
        RunFactory(upload=upload, hand_shape=shape) for shape in (None, shapes["left"], None, shapes["both"], shapes["both"])
    )
    predicted(gone, GIVEN, [0, 1, 1])
    predicted(there, LEFT, [1])
    predicted(never, {}, [1])
    predicted(lost, GIVEN, [1])
    default_storage.delete(f"{lost.prediction.folder}/prediction.npz")
    tell(apps, None)
    runs = [Run.objects.get(pk=run.pk) for run in (gone, there, never, lost, waiting)]
    words = "calibrated on 21 Nov 2026, 187 mm long"
    assert [run.shape_used for run in runs] == [
        "given by a hand shape that was deleted since",
        f"estimated for the right hand; no left hand was found, whose shape was {words}",
        "estimated",
        words,
        words,
    ]
    assert runs[0].shape["given"]["betas"] == [0.5] * 10
