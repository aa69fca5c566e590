"""Secrets that must be readable again (vendor signing keys, SMTP passwords), encrypted at rest.

Fernet (AES-128-CBC with HMAC-SHA256) under keys derived from `SECRET_KEYS_AT_REST`: the first
encrypts, all decrypt, so a new key is put in front and old rows still open. Tokens that only
need checking are kept as SHA-256 instead: 256 random bits need no slow hash.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from apps.core.errors import Invalid

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    derived = [base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()) for key in keys]
    return MultiFernet([Fernet(key) for key in derived])


def seal(text: str) -> str:
    """Encrypt `text`; an empty text stays empty."""
    return _box(tuple(settings.SECRET_KEYS_AT_REST)).encrypt(text.encode()).decode() if text else ""


def unseal(token: str) -> str:
    """Decrypt what `seal` made. Raises Invalid when no current key opens it."""
    if not token:
        return ""
    try:
        return _box(tuple(settings.SECRET_KEYS_AT_REST)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Invalid(
            "A stored secret cannot be opened with the current OPSPORTAL_ENCRYPTION_KEYS. "
            "Put the old key back behind the new one, or enter the secret again.",
            code="secret_unreadable",
        ) from error


def token(length: int) -> str:
    """A random base62 token; 43 characters hold 256 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def digest(value: str) -> str:
    """SHA-256 in hex, the form in which tokens are kept and looked up."""
    return hashlib.sha256(value.encode()).hexdigest()
