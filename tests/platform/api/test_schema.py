from pathlib import Path

import pytest
from django.core.management import call_command

COMMITTED = Path(__file__).resolve().parents[3] / "docs" / "openapi.yaml"


def test_it_is_clean_and_the_committed_one_is_in_step(tmp_path):
    current = tmp_path / "openapi.yaml"
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(current))
    assert COMMITTED.read_text() == current.read_text(), (
        "the API has changed: `.venv/bin/python manage.py spectacular --file docs/openapi.yaml`"
    )


@pytest.mark.parametrize("url", ["/api/schema/", "/api/docs/"])
def test_it_is_served_to_everyone(client, db, url):
    assert client.get(url).status_code == 200
    assert client.post(url).status_code == 405
