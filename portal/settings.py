"""Settings of the site; every value that differs between places comes from the environment.

A secret may be given as NAME or as NAME_FILE, the path of a file that holds it. `docs/operating.md`
lists every name with its default.
"""

import datetime as dt
import ipaddress
import os
import re
from pathlib import Path
from typing import Any

import environ
from django.contrib.messages import constants as message_levels
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from portal.archive import archive_format, archive_storage, positive
from portal.csp import CSP
from portal.identity.providers import IdentityProvider
from portal.identity.sessions import sessions
from portal.identity.signing_in import signing_in
from portal.identity.single_sign_on import single_sign_on
from portal.schedule import schedule
from portal.tracked import TRACKED

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
# The seed of the Ed25519 key that signs the ledgers' checkpoints: 32 bytes in hex. Kept apart from
# the database and its backups: who has both could write another history.
LEDGER_SIGNING_KEY = required("LEDGER_SIGNING_KEY", "the output of openssl rand -hex 32")
# The one that it takes over from, for as long as the change of keys takes.
LEDGER_PREVIOUS_SIGNING_KEY = env.str("LEDGER_PREVIOUS_SIGNING_KEY", default="")
for _key in (LEDGER_SIGNING_KEY, LEDGER_PREVIOUS_SIGNING_KEY or LEDGER_SIGNING_KEY):
    if not re.fullmatch(r"[0-9a-f]{64}", _key):
        raise ImproperlyConfigured(
            "LEDGER_SIGNING_KEY, and the previous one if given, is 64 digits of 0 to 9 and a to f."
        )
# The seed of the Ed25519 key that signs versions of data policies and what clients decide by. A key
# of its own: clients pin it, and it may have to change at another time than the ledger's.
BUNDLE_SIGNING_KEY = required("BUNDLE_SIGNING_KEY", "the output of openssl rand -hex 32")
if not re.fullmatch(r"[0-9a-f]{64}", BUNDLE_SIGNING_KEY):
    raise ImproperlyConfigured("BUNDLE_SIGNING_KEY is 64 digits of 0 to 9 and a to f.")
# How checkpoints name the ledgers, with /live or /test behind it; fixed by the first entry.
LEDGER_ORIGIN = env.str("LEDGER_ORIGIN", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# The address people and programs reach the portal at: in mails, in the snippet, in the pack.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
# The address that programs post records to, if it is another one.
INGEST_URL = env.str("INGEST_URL", default=PUBLIC_URL).rstrip("/")
INGEST_PROCESSES = env.int("INGEST_PROCESSES", default=1)
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
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
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
    "portal.identity.second_factor.SecondFactorMiddleware",
    "portal.identity.password_pages.PasswordPagesMiddleware",
    "portal.identity.stepping_up.StepUpMiddleware",
    "portal.sealing.SealMiddleware",
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
        "ENGINE": "audits.database",  # seals in the ledger what a transaction did, as it commits
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

# People: how they sign in, by which providers besides, and how long they stay signed in
AUTH_USER_MODEL = "portal.User"
ANONYMOUS_USER_NAME = None  # guardian: no anonymous user in the database
GUARDIAN_RAISE_403 = True
HTTPS = env.bool("HTTPS", default=not DEBUG)
_signing_in = signing_in(env)
PASSWORD_BREACHED_FILE: str = _signing_in["PASSWORD_BREACHED_FILE"]
MFA_REQUIRED: str = _signing_in["MFA_REQUIRED"]
MFA_ENCRYPTION_KEYS: list[str] = _signing_in["MFA_ENCRYPTION_KEYS"]
vars().update(_signing_in)
_providers = single_sign_on(env)
PASSWORD_SIGN_IN: bool = _providers["PASSWORD_SIGN_IN"]
IDENTITY_PROVIDERS: dict[str, IdentityProvider] = _providers["IDENTITY_PROVIDERS"]
vars().update(_providers)
_sessions = sessions(env, https=HTTPS)
THEME_COOKIE_NAME: str = _sessions["THEME_COOKIE_NAME"]
MESSAGES_COOKIE_NAME: str = _sessions["MESSAGES_COOKIE_NAME"]
SESSION_ABSOLUTE_SECONDS: int = _sessions["SESSION_ABSOLUTE_SECONDS"]
STEP_UP_SECONDS: int = _sessions["STEP_UP_SECONDS"]
vars().update(_sessions)

# Transport
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
AUDITLOG_INCLUDE_TRACKING_MODELS = TRACKED

# Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
MEDIA_ROOT = DATA_DIR / "documents"
MEDIA_URL = ""  # documents are served by views that check permissions, never by a path
PACK_ROOT = DATA_DIR / "packs"
PAGE_IMAGE_ROOT = DATA_DIR / "page-images"  # drawn from documents; may be emptied at any time
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "packs": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(PACK_ROOT)},
    },
    "archive": archive_storage(env, DATA_DIR / "archive"),
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

# Access reviews
ACCESS_REVIEW_DAYS = env.int("ACCESS_REVIEW_DAYS", default=90)

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
    "PREPROCESSING_HOOKS": ["portal.api.described"],
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
# What providers counted may differ by this much on a day before it is a finding: the larger of
# the number and the percentage. The admin keys of their usage APIs, by name, are nowhere else.
USAGE_TOLERANCE_REQUESTS = env.int("USAGE_TOLERANCE_REQUESTS", default=2)
USAGE_TOLERANCE_TOKENS = env.int("USAGE_TOLERANCE_TOKENS", default=2_000)
USAGE_TOLERANCE_PERCENT = env.int("USAGE_TOLERANCE_PERCENT", default=1)
USAGE_WINDOW_DAYS = env.int("USAGE_WINDOW_DAYS", default=90)
USAGE_API_KEYS: dict[str, str] = env.dict("USAGE_API_KEYS", default={})
APPROVAL_DAYS = env.int("APPROVAL_DAYS", default=365)
GRANT_DAYS = positive(env, "GRANT_DAYS", 365)
# When security events are so many that somebody should look; docs/operating.md has the reasons.
BURST_PERSON_FAILURES = positive(env, "BURST_PERSON_FAILURES", 10)
BURST_NETWORK_FAILURES = positive(env, "BURST_NETWORK_FAILURES", 30)
BURST_KEY_NETWORKS = positive(env, "BURST_KEY_NETWORKS", 3)
BURST_ACCESS_CHANGES = positive(env, "BURST_ACCESS_CHANGES", 30)
BURST_ACTOR_DENIALS = positive(env, "BURST_ACTOR_DENIALS", 30)
BURST_KEY_DENIALS = positive(env, "BURST_KEY_DENIALS", 300)
BURST_GAP = dt.timedelta(minutes=positive(env, "BURST_GAP_MINUTES", 10))
NOTICE_WINDOWS_DAYS = [90, 60, 30, 14, 7, 1, 0]
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=120_000)  # a key, a process
TOKEN_REQUESTS_PER_MINUTE = env.int("TOKEN_REQUESTS_PER_MINUTE", default=600)  # likewise
# A directory's token: a first sync of 5,000 people is not slowed down by it.
SCIM_REQUESTS_PER_MINUTE = env.int("SCIM_REQUESTS_PER_MINUTE", default=30_000)
# Networks that may be asked though they are private: witnesses, webhooks, usage pages of our own.
OUTBOUND_ALLOW = [ipaddress.ip_network(each) for each in env.list("OUTBOUND_ALLOW", default=[])]
# Whether anybody may read checkpoints, tiles and proofs without signing in. Off: sizes and moments
# of checkpoints tell strangers how many AI calls the organization makes, and when.
LEDGER_PUBLIC = env.bool("LEDGER_PUBLIC", default=False)
# Witnesses whose cosignatures count: key, or key and the address to ask, separated by a space.
LEDGER_WITNESSES = env.list("LEDGER_WITNESSES", default=[])
# Where the newest checkpoint goes each day besides DATA_DIR: mail addresses (`officers` for those
# who hold the role), and an address that it is posted to.
CHECKPOINT_MAIL = env.list("CHECKPOINT_MAIL", default=[])
CHECKPOINT_WEBHOOK = env.str("CHECKPOINT_WEBHOOK", default="")
CHECKPOINT_WEBHOOK_SECRET = env.str("CHECKPOINT_WEBHOOK_SECRET", default="")
# What records reads of the register's API: the trail of reads lies above the register.
REGISTER_READS = "portal.reads.record_register_read"
# The archive: after so many days, out of the database after so many years. The law names six for
# policies and actions (45 CFR 164.316(b)(2)(i)); for records of calls they are a choice of ours.
LEDGER_ARCHIVE_AFTER_DAYS = positive(env, "LEDGER_ARCHIVE_AFTER_DAYS", 90)
LEDGER_RETENTION_YEARS = positive(env, "LEDGER_RETENTION_YEARS", 6)
LEDGER_RESTORED_DAYS = positive(env, "LEDGER_RESTORED_DAYS", 30)
LEDGER_ARCHIVE_FORMAT = archive_format(env)
CALL_LEASE = dt.timedelta(minutes=env.int("CALL_LEASE_MINUTES", default=10))
# Entries of the ledger that are stored, archived and disposed of together; a multiple of 65,536,
# so that a partition ends where tiles do. Another size is for the partitions still to be made.
LEDGER_PARTITION_SIZE = 2**20

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
