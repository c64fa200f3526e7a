"""Tests: real PostgreSQL and Redis of their own, cheap password hashing, no throttling."""

import os
from pathlib import Path

os.environ.setdefault("PALMARES_DATA", str(Path(__file__).resolve().parents[3] / "var" / "testing"))

from palmares.settings.base import *  # noqa: F403

STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
REST_FRAMEWORK["DEFAULT_THROTTLE_CLASSES"] = []  # noqa: F405
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
