"""Runs keep which shape they were given; earlier runs are told by what their predictions and the shapes still there say."""

import json
import logging
import zipfile

import numpy as np
from django.core.files.storage import default_storage
from django.db import migrations, models

SIDES = ("left", "right")
CALIBRATING = ("kong2022-identity", "kong2022-identity-opt", "kong2022-image-identity-opt")
logger = logging.getLogger(__name__)


def tell(apps, schema_editor):
    """From the shape's row where it is there; of a shape that is gone, from the prediction's own words and numbers."""
    Run = apps.get_model("runs", "Run")
    for run in Run.objects.select_related("hand_shape", "prediction", "upload").iterator():
        shape = {"given": _given(run.hand_shape)} if run.hand_shape else {}
        if run.prediction and (told := _told(run.prediction.folder)) is not None:
            meta, betas = told
            taken = {side for side in betas if meta.get(side) == "given"}
            own = "calibrated" if run.method in CALIBRATING and run.upload.kind != "images" else "estimated"
            shape["sides"] = {side: "given" if side in taken else own for side in betas}
            if taken and "given" not in shape:
                side = "both" if len(taken) == 2 else next(iter(taken))
                words = "given by a hand shape that was deleted since"
                shape["given"] = {"side": side, "words": words, "betas": betas[next(iter(taken))]}
        if shape:
            Run.objects.filter(pk=run.pk).update(shape=shape)


def _given(shape):
    size = f", {shape.length_mm:.0f} mm long" if shape.length_mm else ""
    words = f"{shape.source} on {shape.created_at:%-d %b %Y}{size}"
    return {"side": shape.side, "words": words, "betas": list(shape.betas)}


def _told(folder):
    """`meta.shape` of a prediction, and the first β of each side in it; None where the file cannot be read."""
    try:
        with default_storage.open(f"{folder.rstrip('/')}/prediction.npz", "rb") as source, np.load(source) as arrays:
            meta, side = json.loads(str(arrays["meta"])), arrays["side"]
            betas = arrays["betas"] if "betas" in arrays else np.zeros((len(side), 10), np.float32)
            first = {SIDES[number]: betas[np.flatnonzero(side == number)[0]].tolist() for number in np.unique(side)}
            return meta.get("shape") or {}, first
    except (OSError, ValueError, KeyError, IndexError, AttributeError, zipfile.BadZipFile):
        logger.warning("%s: the prediction cannot be read; of its run the shape is told as far as the tables know it", folder)
        return None


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0003_calibration'),
        ('subjects', '0002_initial'),
        ('uploads', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='shape',
            field=models.JSONField(blank=True, default=dict, help_text='The shape given, and which sides took it; see `shapes`.'),
        ),
        migrations.RunPython(tell, migrations.RunPython.noop),
    ]
