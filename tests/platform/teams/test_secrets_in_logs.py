"""Links that sign a person in appear neither in the log nor in mail files that others can read."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import subprocess
import sys
import urllib.error
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.core.mail import send_mail

from palmares.local.log_lines import LogLine
from tests.web_process import start_web  # noqa: F401 - a fixture

SECRET = "s3cr3t-Value_1"
LINKS = [
    f"/welcome/{SECRET}/",
    f"/invitations/{SECRET}/",
    f"/accounts/password/reset/key/1-{SECRET}/",
    f"/accounts/confirm-email/{SECRET}/",
]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("written", ["{}", "http://x{}?a=1", "/accounts/login/?next={} done", "quoted"])
def test_a_log_line_hides_the_secret_part(link, written):
    text = f"/accounts/login/?next={quote(link, safe='')}&b=1" if written == "quoted" else written.format(link)
    line = LogLine("{message}", style="{").format(logging.LogRecord("x", logging.INFO, "", 0, "Gone: %s", (text,), None))
    assert SECRET not in line
    assert "***" in line


def test_a_traceback_hides_the_secret_part_too():
    try:
        raise ValueError(LINKS[0])
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    assert SECRET not in LogLine("{message}", style="{").format(record)


def test_addresses_without_a_secret_are_logged_unchanged():
    text = "Not Found: /teams/7/invitations/ /accounts/password/reset/ /welcomes/a/"
    assert LogLine("{message}", style="{").format(logging.LogRecord("x", logging.INFO, "", 0, text, (), None)) == text


def test_the_log_of_the_web_server_has_no_secret_with_or_without_access_log(start_web):  # noqa: F811
    web = start_web("--access-log")
    for link in LINKS:
        for path in (link, f"{link}nowhere/"):
            with contextlib.suppress(urllib.error.HTTPError):
                web.get(path)
    log = web.log.read_text()
    assert SECRET not in log
    assert log.count("GET /welcome/***") >= 1
    assert "Not Found: /welcome/***/nowhere/" in log


def test_mail_is_written_to_private_files_and_its_text_is_not_logged(tmp_path, settings, caplog):
    settings.EMAIL_BACKEND = "palmares.teams.mail_folder.MailFolderBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    caplog.set_level(logging.INFO)
    assert send_mail("Subject", f"https://x{LINKS[1]}", "a@example.org", ["b@example.org"]) == 1
    (written,) = (tmp_path / "mail").iterdir()
    assert LINKS[1] in written.read_text()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert [record.getMessage() for record in caplog.records] == [
        f"no EMAIL_URL is set: mail was written to {tmp_path / 'mail'}"
    ]


def test_without_a_mail_server_mail_is_written_under_the_data_folder(tmp_path):
    database = django_settings.DATABASES["default"]
    environment = {name: value for name, value in os.environ.items() if name != "EMAIL_URL"} | {
        "DJANGO_SETTINGS_MODULE": "palmares.settings.development",
        "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "platform"),
        "DATABASE_URL": f"postgres://postgres@{quote(database['HOST'], safe='')}/{database['NAME']}",
        "REDIS_URL": django_settings.REDIS_URL,
        "SECRET_KEY": "x",
        "PALMARES_DATA": str(tmp_path),
    }
    code = "from django.conf import settings as s; import json; print(json.dumps([s.EMAIL_BACKEND, str(s.EMAIL_FILE_PATH)]))"
    answer = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert json.loads(answer.stdout) == ["palmares.teams.mail_folder.MailFolderBackend", str(tmp_path / "mail")]
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700
