"""Settings that every environment shares. Overlays: dev, test, prod."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONCE, NONE, SELF

from opsportal.env import Env

env = Env()
BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(env.text("OPSPORTAL_DATA_DIR", str(BASE_DIR / ".data")))

INSTALLED_APPS = [
    "opsportal.apps.OpsPortalConfig",
    "apps.portal",
    "apps.support",
    "apps.incidents",
    "apps.alerts",
    "apps.telemetry",
    "apps.changes",
    "apps.intake",
    "apps.paging",
    "apps.rotations",
    "apps.runbooks",
    "apps.followups",
    "apps.customers",
    "apps.ownership",
    "apps.calendars",
    "apps.notifications",
    "apps.accounts",
    "apps.core",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "axes",
    "pgtrigger",
    "pghistory",
    "django_q",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "apps.core.middleware.RequestContext",
    "apps.core.middleware.RefusePoison",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.core.middleware.RequireLogin",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.core.middleware.History",
    "apps.core.middleware.SayDomainErrors",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "opsportal.urls"
WSGI_APPLICATION = "opsportal.wsgi.application"
ASGI_APPLICATION = "opsportal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.portal.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"


def database(url: str) -> dict[str, Any]:
    """One PostgreSQL connection's settings; the pool is for the web process alone.

    The pool does not survive the django-q2 cluster's fork, so it is opt-in (`DB_POOL=1`), and
    every other process keeps one checked connection instead.
    """
    pooled = env.flag("DB_POOL")
    config: dict[str, Any] = dict(
        dj_database_url.parse(url, conn_max_age=0 if pooled else 60, conn_health_checks=not pooled)
    )
    options: dict[str, Any] = dict(config.get("OPTIONS", {}))
    options["options"] = (
        f"-c statement_timeout={env.number('DB_STATEMENT_TIMEOUT_MS', 30_000)}"
        f" -c lock_timeout={env.number('DB_LOCK_TIMEOUT_MS', 10_000)}"
        " -c idle_in_transaction_session_timeout=60000 -c TimeZone=UTC"
    )
    options["connect_timeout"] = 3
    if pooled:
        options["pool"] = {"min_size": 2, "max_size": env.number("DB_POOL_SIZE", 12), "timeout": 2}
    config["OPTIONS"] = options
    return config


DATABASES = {"default": database(env.text("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "apps.notifications.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": False}  # django-axes does this, also for the admin

AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # one attacker never locks a person out
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
AXES_HTTP_RESPONSE_CODE = 429
AXES_USERNAME_FORM_FIELD = "login"
AXES_USERNAME_CALLABLE = "apps.accounts.authentication.sign_in_name"
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "apps.core.middleware.client_ip"
TRUSTED_PROXY_HOPS = env.number("OPSPORTAL_TRUSTED_PROXY_HOPS", 0)

LANGUAGE_CODE = "en-us"
FORMS_URLFIELD_ASSUME_HTTPS = True  # the default from Django 6.0 on; drop the line then
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.KeyAuthentication",
        "apps.accounts.authentication.SessionWithChallenge",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.accounts.permissions.ScopeRequired"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.api.parsing.SafeJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.lists.Cursor",
    "DEFAULT_FILTER_BACKENDS": ["apps.core.api.lists.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.api.schema.Schema",
    "EXCEPTION_HANDLER": "apps.core.api.problems.problem",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.core.api.parsing.AlwaysJSON",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "OpsPortal API",
    "DESCRIPTION": "Who is on call, what is broken, and every event that says so.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "opsportal.openapi.add_intake_paths",
    ],
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
}

Q_CLUSTER: dict[str, Any] = {
    "name": "opsportal",
    "orm": "default",
    "workers": env.number("OPSPORTAL_TASK_WORKERS", 2),
    "queue_limit": 4,
    "bulk": 1,
    "poll": 0.5,
    "timeout": 60,
    "retry": 300,
    "max_attempts": 3,
    "ack_failures": False,
    "catch_up": False,
    "recycle": 500,
    "save_limit": 500,
    "save_limit_per": "func",
    "log_level": "WARNING",
}

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 7 * 24 * 3600
CSRF_COOKIE_HTTPONLY = (
    False  # htmx reads the token from the page, not the cookie; forms need neither
)
CSRF_FAILURE_VIEW = "apps.portal.views.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# The product's own limits and addresses.
PRODUCT_NAME = "OpsPortal"
STYLEGUIDE = False  # /styleguide/, on in development
# Sites that may show the embedded report form in a frame; everything else keeps out of frames.
REPORT_FRAME_ANCESTORS = env.words("OPSPORTAL_REPORT_FRAME_ANCESTORS")
INTAKE_MAX_BODY = 1024 * 1024  # bytes of one event or webhook
INTAKE_MAX_BATCH_BODY = 8 * 1024 * 1024  # bytes of one NDJSON batch
INTAKE_RATE_DEFAULT: int | None = None  # events a second and key; None is no limit
DJANGO_MAX_BODY = (
    2 * 1024 * 1024
)  # bytes of a body for Django, which is buffered before it is handed on
UPLOAD_MAX_BODY = 22 * 1024 * 1024  # bytes of a form with files: 20 MB of them, and its fields
ENGINE_LATE_AFTER_SECONDS = 15
CLUSTER_LATE_AFTER_SECONDS = 180
HEARTBEAT_URL = env.text("OPSPORTAL_HEARTBEAT_URL", "")  # an outside dead-man's switch
SITE_URL = env.text("OPSPORTAL_SITE_URL", "")  # overrides the address set on the first-run page
DEFAULT_SITE_URL = env.text("OPSPORTAL_DEFAULT_SITE_URL", "")  # until one is set there
SECRET_KEYS_AT_REST = env.words("OPSPORTAL_ENCRYPTION_KEYS")
OUTGOING_ALLOW_PRIVATE = env.flag(
    "OPSPORTAL_OUTGOING_ALLOW_PRIVATE"
)  # self-hosted ntfy, Mattermost
OUTGOING_ALLOW_HTTP = env.flag("OPSPORTAL_OUTGOING_ALLOW_HTTP")
METRICS_LOOPBACK_ONLY = True

LOGGING_CONFIG = (
    None  # opsportal/logs.py configures structlog and the standard library in one place
)
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOG_FORMAT = env.text("LOG_FORMAT", "json")

UNFOLD: dict[str, Any] = {  # callables, so that the menu and the palette are code
    "SITE_TITLE": "OpsPortal admin",
    "SITE_HEADER": "OpsPortal",
    "SITE_SUBHEADER": "Admin",
    "SITE_ICON": "opsportal.admin_site.icon",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "opsportal.admin_site.icon"}
    ],
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": "opsportal.admin_site.colors",
    "STYLES": ["opsportal.admin_site.stylesheet"],
    "SCRIPTS": ["opsportal.admin_site.script"],
    "DASHBOARD_CALLBACK": "opsportal.admin_site.dashboard",
    "SIDEBAR": {"show_search": False, "navigation": "opsportal.admin_site.sidebar"},
}

PGHISTORY_APPEND_ONLY = True
