"""A laptop or workstation: everything embedded, plain HTTP on localhost."""

from palmares.settings.base import *  # noqa: F403

# Compressing some 600 files takes 20 s of a first start. What pages load is compressed when it is built (vite.config.ts).
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
