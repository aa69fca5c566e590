"""The link of a page's message: signed, for one page and one person, good for a week, no login.

With it that person takes the page or ends it. The link itself changes nothing: mail scanners follow
links. Only the POST behind it acts.
"""

from __future__ import annotations

from datetime import timedelta

from django.core import signing

from apps.core.errors import NotFound

_SALT = "opsportal.paging.acknowledge"
LASTS = timedelta(days=7)


def make(page_id: int, person_id: int) -> str:
    """The token of the link `/ack/<token>/`."""
    return signing.dumps([page_id, person_id], salt=_SALT, compress=False)


def read(token: str) -> tuple[int, int]:
    """(page id, person id) of a token; NotFound when it is forged, cut or older than a week."""
    try:
        page_id, person_id = signing.loads(token, salt=_SALT, max_age=LASTS)
        return int(page_id), int(person_id)
    except signing.SignatureExpired as error:
        raise NotFound(
            "This link is older than a week. Sign in to see the page.", code="link_expired"
        ) from error
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotFound(
            "This link is not complete. Open it again from the message, or sign in.",
            code="link_broken",
        ) from error
