"""Whether a request was signed by who it claims to come from.

All comparisons take constant time and run on bytes, since comparing text that is not ASCII raises.
A header that makes no sense is a wrong signature, never an error, and an empty secret matches
nothing. Verifiers get the raw body: parsing and writing JSON again changes its bytes.

Only kinds in `VERIFIERS` sign. Alertmanager, PagerDuty and native events carry a key. Google Cloud
cannot sign: the token in its address is the credential, `verify_basic` an addition to it.
Where a time is signed, a request is good for five minutes: what somebody overheard is soon useless.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from apps.intake.canonical import Headers, header

# None: this request has nothing to verify.
Verifier = Callable[[str, bytes, Headers, float], bool | None]

TOLERANCE: Final = 300  # seconds between the sender's clock and ours
_MAX_SIGNATURES: Final = 20  # in one header; a rotation needs two


def verify(
    kind: str, *, secrets: Iterable[str], body: bytes, headers: Headers, now: float
) -> bool | None:
    """Whether any of the active secrets fits; None when there is nothing to verify.

    Two secrets are active while one is rotated. `now` is seconds since 1970, for the kinds that
    sign a time.
    """
    verifier = VERIFIERS.get(kind)
    if verifier is None:
        return None
    answers = [verifier(secret, body, headers, now) for secret in secrets]
    return None if answers and None in answers else any(answers)


def verify_github(secret: str, body: bytes, header_value: str | None) -> bool:
    """`X-Hub-Signature-256: sha256=<hex HMAC-SHA256 of the raw body>`; SHA-1 is not accepted."""
    return bool(secret) and same(f"sha256={_hex(secret, body)}", header_value)


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


def _stripe(secret: str, body: bytes, headers: Headers, now: float) -> bool:
    """`t=<seconds>,v1=<hex of "t.body">`, several v1 during a rotation; v0 counts for nothing."""
    parts = list(_pairs(header(headers, "Stripe-Signature")))
    stamp = next((value for name, value in parts if name == "t"), "")
    expected = _hex(secret, stamp.encode("utf-8", "surrogatepass") + b"." + body)
    given = [value for name, value in parts if name == "v1"]
    return _fresh(stamp, now) and _one_of(secret, expected, given)


def _fivetran(secret: str, body: bytes, headers: Headers, now: float) -> bool:
    """The hex alone, in small or capital letters: both were seen."""
    given = header(headers, "X-Fivetran-Signature-256") or ""
    return bool(secret) and same(_hex(secret, body), given.lower())


def _sentry(secret: str, body: bytes, headers: Headers, now: float) -> bool:
    """The hex alone, with the integration's client secret."""
    return bool(secret) and same(_hex(secret, body), header(headers, "Sentry-Hook-Signature"))


def _grafana(secret: str, body: bytes, headers: Headers, now: float) -> bool | None:
    """The hex of the body, or of "time:body" where the contact point names a timestamp header.

    Grafana signs only where it was told to, so a request without the header is not wrong.
    """
    given = header(headers, "X-Grafana-Alerting-Signature")
    if given is None:
        return None
    stamp = header(headers, "X-Grafana-Alerting-Timestamp")
    if stamp is None:
        return bool(secret) and same(_hex(secret, body), given)
    signed = stamp.encode("utf-8", "surrogatepass") + b":" + body
    return bool(secret) and _fresh(stamp, now) and same(_hex(secret, signed), given)


def _slack(secret: str, body: bytes, headers: Headers, now: float) -> bool:
    """`v0=<hex of "v0:time:body">`."""
    stamp = header(headers, "X-Slack-Request-Timestamp") or ""
    expected = _hex(secret, b"v0:" + stamp.encode("utf-8", "surrogatepass") + b":" + body)
    fits = same(f"v0={expected}", header(headers, "X-Slack-Signature"))
    return bool(secret) and _fresh(stamp, now) and fits


def _standard_webhooks(secret: str, body: bytes, headers: Headers, now: float) -> bool:
    """`v1,<base64 of "id.time.body">`, a list with spaces; the secret is `whsec_` and base64."""
    name, stamp = header(headers, "webhook-id") or "", header(headers, "webhook-timestamp") or ""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_").encode(), validate=True)
    except (binascii.Error, ValueError):
        return False
    signed = f"{name}.{stamp}.".encode("utf-8", "surrogatepass") + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = (header(headers, "webhook-signature") or "").split(" ")[:_MAX_SIGNATURES]
    fits = _one_of(secret, f"v1,{expected}", given)
    return bool(key and name) and _fresh(stamp, now) and fits


def _pagerduty_v3(secret: str, body: bytes, headers: Headers, now: float) -> bool:
    """PagerDuty's own webhooks: a list of `v1=<hex>`."""
    given = [
        value for name, value in _pairs(header(headers, "X-PagerDuty-Signature")) if name == "v1"
    ]
    return _one_of(secret, _hex(secret, body), given)


def _hex(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode("utf-8", "surrogatepass"), signed, hashlib.sha256).hexdigest()


def _one_of(secret: str, expected: str, given: Iterable[str]) -> bool:
    return bool(secret) and any(same(expected, one) for one in given)


def _pairs(text: str | None) -> Iterator[tuple[str, str]]:
    """`a=1,b=2` as pairs."""
    for part in (text or "").split(",")[:_MAX_SIGNATURES]:
        name, _, value = part.strip().partition("=")
        yield name, value


def _fresh(stamp: str, now: float) -> bool:
    """Whether a time in seconds is within the tolerance; text that is no number never is."""
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return False
    return abs(now - int(stamp)) <= TOLERANCE


# By the kind of the integration; the last two are schemes that no kind of ours carries.
VERIFIERS: Final[dict[str, Verifier]] = {
    "github": _github,
    "stripe": _stripe,
    "fivetran": _fivetran,
    "sentry": _sentry,
    "grafana": _grafana,
    "slack": _slack,
    "standard_webhooks": _standard_webhooks,
    "pagerduty_v3": _pagerduty_v3,
}
