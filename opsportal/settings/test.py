"""Tests: fast hashes, inline tasks, loopback receivers allowed."""

from __future__ import annotations

import os

os.environ.setdefault("DATABASE_URL", "postgres://opsportal@127.0.0.1:1/unset")

from opsportal.settings.base import *  # noqa: F403 - an overlay starts from the base
from opsportal.settings.base import Q_CLUSTER

DEBUG = False
SECRET_KEY = "a-secret-for-tests-only-not-used-anywhere-else-0123456789"
SECRET_KEYS_AT_REST = ["an-encryption-key-for-tests-only"]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
Q_CLUSTER = Q_CLUSTER | {"sync": True}
OUTGOING_ALLOW_PRIVATE = True
AXES_ENABLED = False
LOG_LEVEL = "WARNING"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True  # static files from where they lie: nothing is collected in tests
