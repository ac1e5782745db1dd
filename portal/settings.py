"""Settings of the site; every value that differs between places comes from the environment.

A secret may be given as NAME or as NAME_FILE, the path of a file that holds it. `docs/operating.md`
lists every name with its default.
"""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import environ
from django.contrib.messages import constants as message_levels
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from portal.csp import CSP
from portal.schedule import schedule

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()


def required(name: str, example: str) -> str:
    """The value of the setting `name`. Raises: ImproperlyConfigured with what to set."""
    try:
        value = str(env.str(name))
    except ImproperlyConfigured:
        value = ""
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Set {name} or {name}_FILE, for example {example}. "
            "bin/portal sets everything by itself."
        )
    return value


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY", "SECRET_KEY_FILE=/run/secrets/countersign")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The address people and programs reach the portal at: in mails, in the snippet, in the pack.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
ORGANIZATION_NAME = env.str("ORGANIZATION_NAME", default="Your organization")
# Everything that is not in the database: uploaded documents, evidence packs.
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".data")))

INSTALLED_APPS = [
    "portal",
    "evidence",
    "audits",
    "policies",
    "vendors",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "auditlog",
    "django_celery_beat",
    "django_filters",
    "drf_spectacular",
    "guardian",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.idle.IdleMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.history.HistoryMiddleware",
    "portal.past.AsOfMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.page",
            ],
            # No template has to load the tags of the design system.
            "builtins": ["django.templatetags.static", "vendors.templatetags.ui"],
        },
    }
]
# Forms render by templates/django/forms, so that {{ form }} comes out in our look.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
# A message's tag is the state that its banner shows.
MESSAGE_TAGS = {
    message_levels.DEBUG: "neutral",
    message_levels.INFO: "info",
    message_levels.SUCCESS: "ok",
    message_levels.WARNING: "soon",
    message_levels.ERROR: "bad",
}

# Database: PostgreSQL alone; triggers, exclusion constraints and advisory locks are relied on.
# libpq reads the address, so every form it knows works: sockets, several hosts, sslmode.
# A server that does not answer is given up after `connect_timeout` seconds.
_dsn = {"connect_timeout": "5"} | conninfo_to_dict(
    required("DATABASE_URL", "postgresql://user:password@host/countersign")
)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _dsn.pop("dbname", ""),
        "USER": _dsn.pop("user", ""),
        "PASSWORD": _dsn.pop("password", ""),
        "HOST": _dsn.pop("host", ""),
        "PORT": _dsn.pop("port", ""),
        "OPTIONS": _dsn,
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = required("REDIS_URL", "redis://host:6379/0 or unix:///run/redis.sock?db=0")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}

# People
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portal:home"
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_FORMS = {"login": "portal.signin.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ANONYMOUS_USER_NAME = None  # guardian: no anonymous user in the database
GUARDIAN_RAISE_403 = True

# Sessions and transport
HTTPS = env.bool("HTTPS", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "countersign-session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "countersign-csrf"
# 45 CFR 164.312(a)(2)(iii) asks for automatic logoff after inactivity without naming a time.
SESSION_COOKIE_AGE = env.int("SESSION_IDLE_SECONDS", default=15 * 60)
# Read from Redis, kept in the database: a page asks no query for it (see portal/idle.py).
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come by plain HTTP
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https")
    if env.bool("TRUST_X_FORWARDED_PROTO", default=False)
    else None
)
# How many proxies before the portal append the caller's address to X-Forwarded-For.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Nothing inline, nothing from elsewhere; scripts by nonce. The names are those of Django 6.
SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.NONCE, CSP.STRICT_DYNAMIC],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
    "require-trusted-types-for": ["'script'"],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o640

# The history of changes: who changed which field of the register, of policies and of people.
# Events, calls and findings are trails of their own and not told twice.
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_MASK_CALLABLE = "portal.history.hide"
AUDITLOG_CID_HEADER = None  # a caller's header would end in an append-only table
AUDITLOG_INCLUDE_TRACKING_MODELS: list[str | dict[str, Any]] = [
    "vendors.Vendor",
    "vendors.Service",
    "vendors.ServiceModel",
    "vendors.ServiceRegion",
    "vendors.Fact",
    "vendors.CostFact",
    "vendors.Document",
    "vendors.Agreement",
    "vendors.AgreementClause",
    {"model": "vendors.AgreementRequest", "m2m_fields": ["services"]},
    "vendors.CoveredScope",
    "vendors.AssuranceReport",
    "vendors.ReportScope",
    "vendors.BridgeLetter",
    {"model": "vendors.SavedView", "exclude_fields": ["query"]},
    "vendors.RegisterImport",
    "vendors.ReportException",
    "vendors.Cuec",
    "vendors.ReportCondition",
    "vendors.Subservice",
    "policies.CostPlan",
    {"model": "vendors.VendorReview", "exclude_fields": ["snapshot"]},
    "vendors.ReviewItem",
    "vendors.VendorCondition",
    "vendors.Offboarding",
    "vendors.OffboardingStep",
    "vendors.FactAssignment",
    "vendors.Questionnaire",
    {"model": "vendors.Inquiry", "exclude_fields": ["token_sha256"]},
    # What a stranger drafts is not kept; what they submit is, in Submission.
    {"model": "vendors.Answer", "exclude_fields": ["value", "comment"]},
    "policies.DataClass",
    "policies.Requirement",
    {"model": "policies.Integration", "m2m_fields": ["data_classes"]},
    {"model": "policies.Approval", "exclude_fields": ["terms"]},
    {"model": "policies.IntegrationKey", "exclude_fields": ["secret_sha256"]},
    {
        "model": "portal.User",
        "exclude_fields": ["last_login"],
        "mask_fields": ["password"],
        "m2m_fields": ["groups", "user_permissions"],
    },
    {
        "model": "portal.PersonalToken",
        "exclude_fields": ["secret_sha256", "last_used_at"],
    },
    {"model": "auth.Group", "m2m_fields": ["permissions"]},
    "guardian.UserObjectPermission",
]

# Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
MEDIA_ROOT = DATA_DIR / "documents"
MEDIA_URL = ""  # documents are served by views that check permissions, never by a path
PACK_ROOT = DATA_DIR / "packs"
PAGE_IMAGE_ROOT = DATA_DIR / "page-images"  # drawn from documents; may be emptied at any time
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "packs": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(PACK_ROOT)},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Pages name files by their hash alone, and nobody waits for a source map: both would cost seconds.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (
    "map",
    "br",
    "gz",
    "jpg",
    "png",
    "webp",
    "woff",
    "woff2",
    "zip",
)
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=25 * 1024 * 1024)

# Time and language
LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
USE_I18N = False

# Mail
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="countersign@localhost")

# Background work. Celery names a unix socket `redis+socket://`, Django's cache `unix://`.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace(
    "?db=", "?virtual_host="
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 3600
CELERY_TASK_SOFT_TIME_LIMIT = 3540
CELERY_TIMEZONE = TIME_ZONE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = schedule(checks_hour=env.int("CHECKS_HOUR", default=6))

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.authentication.TokenAuthentication",
        "policies.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "portal.authentication.TokenScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["portal.authentication.TokenThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.api.problem_details",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

# Rules of thumb of third-party risk practice; each one may be changed by the organization.
FACT_FRESH_DAYS = env.int("FACT_FRESH_DAYS", default=90)
REPORT_STALE_DAYS = env.int("REPORT_STALE_DAYS", default=365)
BRIDGE_MAX_DAYS = env.int("BRIDGE_MAX_DAYS", default=92)
IMPORT_FILE_DAYS = env.int("IMPORT_FILE_DAYS", default=30)
REPORT_RED_DAYS = env.int("REPORT_RED_DAYS", default=457)
# The period our own audit asks about, both days in it; without them the last twelve months.
AUDIT_PERIOD_START, AUDIT_PERIOD_END = (
    dt.date.fromisoformat(day) if (day := env.str(name, default="")) else None
    for name in ("AUDIT_PERIOD_START", "AUDIT_PERIOD_END")
)
if AUDIT_PERIOD_START and AUDIT_PERIOD_END and AUDIT_PERIOD_END < AUDIT_PERIOD_START:
    raise ImproperlyConfigured("AUDIT_PERIOD_END is before AUDIT_PERIOD_START.")
APPROVAL_DAYS = env.int("APPROVAL_DAYS", default=365)
NOTICE_WINDOWS_DAYS = [90, 60, 30, 14, 7, 1, 0]
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=120_000)  # a key, a process
TOKEN_REQUESTS_PER_MINUTE = env.int("TOKEN_REQUESTS_PER_MINUTE", default=600)  # likewise
# What records reads of the register's API: the trail of reads lies above the register.
REGISTER_READS = "portal.reads.record_register_read"
CALL_LEASE = dt.timedelta(minutes=env.int("CALL_LEASE_MINUTES", default=10))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    # Its warnings repeat the address of what was refused, which a stranger wrote.
    "loggers": {
        "django.request": {"level": "ERROR"},
        # These tell each step of each file they make.
        **{name: {"level": "WARNING"} for name in ("fontTools", "pikepdf", "weasyprint")},
    },
}
