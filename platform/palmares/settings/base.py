"""Settings that hold everywhere. What differs from one place to the next comes from the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import environ
from botocore.config import Config
from csp.constants import NONE, SELF

from palmares.local import embedded_servers
from palmares.local.error_reports import start_error_reports

ROOT = Path(__file__).resolve().parents[3]
env = environ.Env()

DATA = Path(env("PALMARES_DATA", default=str(ROOT / "var"))).resolve()
"""Everything that outlives a process: databases, media, secrets of a development installation."""
embedded_servers.data_folder(DATA)

DEBUG = False
SECRET_KEY = env("SECRET_KEY", default="") or embedded_servers.secret_key(DATA)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
"""Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; see `palmares.api.proxies`."""
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "palmares.teams",
    "palmares.subjects",
    "palmares.uploads",
    "palmares.calibrations",
    "palmares.runs",
    "palmares.comments",
    "palmares.benchmarks",
    "palmares.submissions",
    "palmares.dashboards",
    "palmares.shares",
    "palmares.queue",
    "palmares.api",
    "palmares",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_vite",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "palmares.api.database_pool.return_connection",
    "palmares.api.caching.private_unless_said",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "palmares.api.trailing_slash.KeepRequestMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "palmares.teams.middleware.FormAddressMiddleware",
]

ROOT_URLCONF = "palmares.urls"
ASGI_APPLICATION = "palmares.asgi.application"
WSGI_APPLICATION = None

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "platform" / "palmares" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": env.db_url_config(env("DATABASE_URL", default="") or embedded_servers.database_url(DATA))}
DATABASES["default"]["HOST"] = unquote(DATABASES["default"]["HOST"])  # a socket's folder comes as %2Frun%2F…
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = (
    str(DATABASES["default"].get("DISABLE_SERVER_SIDE_CURSORS", "false")).lower() in env.BOOLEAN_TRUE_STRINGS
)
DATABASES["default"].setdefault("OPTIONS", {}).pop("pool", None)  # the web makes its own, see `palmares.api.database_pool`
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env("REDIS_URL", default="") or embedded_servers.redis_url(DATA)

AUTH_USER_MODEL = "teams.User"
# Not allauth's: it signs in with addresses that nobody has confirmed, too.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = env("ACCOUNT_EMAIL_VERIFICATION", default="") or "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_FORMS = {"add_email": "palmares.teams.forms.NewEmailForm", "signup": "palmares.teams.forms.NewAccountForm"}
ACCOUNT_SESSION_REMEMBER = True
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("DEFAULT_FROM_EMAIL", default="") or "palmares@localhost"
if env("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "palmares.teams.mail_folder.MailFolderBackend"
    EMAIL_FILE_PATH = DATA / "mail"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/dist/assets/|\.[0-9a-f]{12}\."
"""Files whose name holds a hash of their content: those that Vite builds, and those of a manifest storage."""
STATICFILES_DIRS = [ROOT / "platform" / "palmares" / "static"]
DJANGO_VITE = {
    "default": {
        "manifest_path": ROOT / "platform" / "palmares" / "static" / "dist" / "manifest.json",
        "static_url_prefix": "dist",
    }
}
MEDIA_ROOT = DATA / "media"
STORAGES = {
    "default": (
        {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": env("S3_BUCKET"),
                "endpoint_url": env("S3_ENDPOINT_URL", default="") or None,
                "region_name": env("S3_REGION", default="") or None,
                "access_key": env("S3_ACCESS_KEY_ID", default="") or None,
                "secret_key": env("S3_SECRET_ACCESS_KEY", default="") or None,
                "file_overwrite": True,
                "querystring_auth": True,
                "client_config": Config(
                    retries={"mode": "standard", "total_max_attempts": 6},
                    connect_timeout=5,
                    read_timeout=30,
                    s3={"addressing_style": env("S3_ADDRESSING_STYLE", default="auto")},
                ),
            },
        }
        if env("S3_BUCKET", default="")
        else {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
        }
    ),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

ALLOW_ROBOTS = env.bool("ALLOW_ROBOTS", default=False)
"""Whether search engines may list public boards and the page for people who are not signed in."""
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=2 << 30)
"""Largest video or set of images accepted."""
MIN_FREE_BYTES = env.int("MIN_FREE_BYTES", default=1 << 30)
"""Bytes kept free on the disks that hold media and temporary files; files that would need them are refused."""
TEAM_STORAGE_BYTES = env.int("TEAM_STORAGE_BYTES", default=100 * 10**9)
"""What the files of a team may take together, unless its row says otherwise; 0 for no limit."""
TEAM_OPEN_RUNS = env.int("TEAM_OPEN_RUNS", default=200)
"""Runs of a team that may be queued or running at the same time; calibrations likewise."""
WEB_REQUESTS = env.int("WEB_REQUESTS", default=16)
"""Requests that a web process works on at the same time."""
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 << 20
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
FILE_UPLOAD_TEMP_DIR = DATA / "tmp"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "palmares.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["palmares.api.permissions.DenyByDefault"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["palmares.api.parsers.BoundedJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "palmares.api.negotiation.IgnoreAccept",
    "DEFAULT_PAGINATION_CLASS": "palmares.api.pagination.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "palmares.api.schema.ApiSchema",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle", "rest_framework.throttling.AnonRateThrottle"],
    "NUM_PROXIES": 0,  # TRUSTED_PROXIES has said which address it is
    "DEFAULT_THROTTLE_RATES": {
        "user": env("THROTTLE_USER", default="6000/min"),
        "anon": env("THROTTLE_ANON", default="60/min"),
        "shared": env("THROTTLE_SHARED", default="1200/min"),
        "shared_address": env("THROTTLE_SHARED_ADDRESS", default="3000/min"),
    },
    "EXCEPTION_HANDLER": "palmares.api.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "teams.Token"  # noqa: S105 - a model's name
MIGRATION_MODULES = {"knox": None}  # its own table of tokens is not used
REST_KNOX = {"TOKEN_TTL": timedelta(days=365), "AUTH_HEADER_PREFIX": "Bearer", "TOKEN_LIMIT_PER_USER": 50}
SPECTACULAR_SETTINGS = {
    "TITLE": "Palmarès",
    "DESCRIPTION": "Evaluate and look at 3D hand meshes.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "WorkStatus": "palmares.queue.models.Status",
        "HandSide": "palmares.subjects.models.HandShape.Side",
        "SideOfFile": "palmares.uploads.attached_files.SIDE_CHOICES",
        "UploadStatus": "palmares.uploads.models.PublicStatus",
        "MethodEnum": "palmares.runs.serializers.METHOD_CHOICES",
        "KindEnum": [("video", "video"), ("images", "images")],
        "ShareKind": "palmares.shares.models.ShareLink.Kind",
        "ShareStatus": "palmares.shares.models.LinkStatus",
    },
}

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "palmares"}
}

CELERY_BROKER_URL = REDIS_URL

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "style-src": [SELF, "'unsafe-inline'"],
        "script-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [SELF],
        "form-action": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "palmares.local.log_lines.LogLine",
            "format": "{asctime} {levelname} {name} [{request_id}]: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    # These have handlers of their own, which would print secret links as they are: all lines are the root's.
    "loggers": {name: {"propagate": True} for name in ("django", "django.server", "uvicorn", "uvicorn.access")},
}

if env("SENTRY_DSN", default=""):
    start_error_reports(env("SENTRY_DSN"))
