"""Whether a request was signed by who it claims to come from.

All comparisons take constant time and run on bytes, since comparing text that is not ASCII raises.
A header that makes no sense is a wrong signature, never an error, and an empty secret matches
nothing. Verifiers get the raw body: parsing and writing JSON again changes its bytes.

Only kinds in `VERIFIERS` sign. Alertmanager, PagerDuty and native events carry a key. Google Cloud
cannot sign: the token in its address is the credential, `verify_basic` an addition to it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Final

from apps.intake.canonical import Headers, header

Verifier = Callable[[str, bytes, Headers, float], bool]


def verify(
    kind: str, *, secrets: Iterable[str], body: bytes, headers: Headers, now: float
) -> bool | None:
    """Whether any of the active secrets fits; None when this kind has nothing to verify.

    Two secrets are active while one is rotated. `now` is seconds since 1970, for the kinds that
    sign a time.
    """
    verifier = VERIFIERS.get(kind)
    if verifier is None:
        return None
    return any(verifier(secret, body, headers, now) for secret in secrets)


def verify_github(secret: str, body: bytes, header_value: str | None) -> bool:
    """`X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the raw body>`; SHA-1 is not accepted."""
    if not secret:
        return False
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return same(f"sha256={digest}", header_value)


def verify_basic(secret: str, header_value: str | None) -> bool:
    """`Authorization: Basic` with the secret, written `user:password`, as Google Cloud sends it."""
    scheme, _, encoded = (header_value or "").strip().partition(" ")
    if not secret or scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded.strip().encode(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, secret.encode())


def same(expected: str, given: str | None) -> bool:
    """Compare two secrets in constant time; nothing equals an absent or empty one."""
    if not expected or not given:
        return False
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def _github(secret: str, body: bytes, headers: Headers, now: float) -> bool:
    return verify_github(secret, body, header(headers, "X-Hub-Signature-256"))


VERIFIERS: Final[dict[str, Verifier]] = {"github": _github}
