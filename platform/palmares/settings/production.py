"""Behind a TLS-terminating proxy, which TRUSTED_PROXIES names.

Needs SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL and REDIS_URL in the environment.
"""

import os

from django.core.exceptions import ImproperlyConfigured

if _missing := [name for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL") if not os.environ.get(name)]:
    raise ImproperlyConfigured(f"set {', '.join(_missing)} in the environment")

from palmares.settings.base import *  # noqa: F403

if env("EMAIL_URL", default="") and not env("ACCOUNT_EMAIL_VERIFICATION", default=""):  # noqa: F405
    ACCOUNT_EMAIL_VERIFICATION = "mandatory"
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 31_536_000
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
