"""The settings of `benchmarks.plain_drf`: the project's database, and nothing around the view."""

from __future__ import annotations

from opsportal.settings.test import *  # noqa: F403 - as settings modules build on each other

MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]  # which insists on being there
ROOT_URLCONF = "benchmarks.plain_drf"
