"""A laptop or workstation: everything embedded, plain HTTP on localhost."""

from palmares.settings.base import *  # noqa: F403

STORAGES["staticfiles"] = {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"}  # noqa: F405
