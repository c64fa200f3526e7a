from django.db import migrations


def label(apps, schema_editor):
    apps.get_model("subjects", "HandShape").objects.filter(hand_model="open").update(hand_model="open-1")


def unlabel(apps, schema_editor):
    apps.get_model("subjects", "HandShape").objects.filter(hand_model="open-1").update(hand_model="open")


class Migration(migrations.Migration):
    dependencies = [("subjects", "0002_initial")]

    operations = [migrations.RunPython(label, unlabel)]
