from django.db import migrations


def label(apps, schema_editor):
    apps.get_model("runs", "Prediction").objects.filter(hand_model="open").update(hand_model="open-1")
    for run in apps.get_model("runs", "Run").objects.filter(shape__has_key="given").iterator():
        run.shape["given"]["hand_model"] = "open-1" if run.hand_model == "open" else run.hand_model
        run.save(update_fields=["shape"])


def unlabel(apps, schema_editor):
    apps.get_model("runs", "Prediction").objects.filter(hand_model="open-1").update(hand_model="open")


class Migration(migrations.Migration):
    dependencies = [("runs", "0008_scores_and_external_runs")]

    operations = [migrations.RunPython(label, unlabel)]
