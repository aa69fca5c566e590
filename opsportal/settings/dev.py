"""Development and `make run`: plain http on loopback, a secret kept in the data folder."""

from __future__ import annotations

import json
import secrets

from opsportal.settings.base import *  # noqa: F403 - an overlay starts from the base
from opsportal.settings.base import DATA_DIR, SECRET_KEYS_AT_REST, env


def _kept_secret(name: str) -> str:
    """A secret made once and kept in the data folder, so that sessions survive a restart."""
    path = DATA_DIR / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


DEBUG = env.flag("DEBUG")  # a traceback page shows settings: only whoever asks for it gets one
STYLEGUIDE = True
SECRET_KEY = env.text("SECRET_KEY", "") or _kept_secret("secret_key")
SECRET_KEYS_AT_REST = SECRET_KEYS_AT_REST or [_kept_secret("encryption_key")]
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]", "testserver"))
if (host := env.text("HOST", "")) and host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared only
    ALLOWED_HOSTS.append(host)
elif host:
    ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("*",))
LOG_FORMAT = env.text("LOG_FORMAT", "console")


def _running_url() -> str:
    """The address of the `make run` of this folder, for commands that run beside it."""
    try:
        return str(json.loads((DATA_DIR / "run.json").read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


DEFAULT_SITE_URL = env.text("OPSPORTAL_DEFAULT_SITE_URL", "") or _running_url()
