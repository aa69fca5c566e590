"""One word, one shape and one meaning for every state, so that nothing relies on color alone.

Each entry is (text, glyph, tone). Tones: danger, warning, success, info, solid, or "" (neutral).
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    text: str
    glyph: str
    tone: str = ""


SEVERITY = {
    "sev1": Look("SEV1", "oct", "solid"),
    "sev2": Look("SEV2", "tri", "danger"),
    "sev3": Look("SEV3", "dia", "warning"),
    "sev4": Look("SEV4", "ring"),
}
ALERT_SEVERITY = {
    "critical": Look("Critical", "tri", "danger"),
    "error": Look("Error", "dia", "danger"),
    "warning": Look("Warning", "ring", "warning"),
    "info": Look("Info", "info", "info"),
}
URGENCY = {
    "high": Look("Urgent", "tri", "danger"),
    "low": Look("Low", "ring"),
}
INCIDENT = {
    "triage": Look("Triage", "new"),
    "investigating": Look("Investigating", "q1", "warning"),
    "identified": Look("Identified", "q2", "warning"),
    "mitigated": Look("Mitigated", "q3", "info"),
    "resolved": Look("Resolved", "check", "success"),
    "in_review": Look("In review", "dot", "info"),
    "closed": Look("Closed", "check"),
    "declined": Look("Declined", "slash"),
    "merged": Look("Merged", "up"),
}
TICKET = {
    "new": Look("New", "new"),
    "open": Look("Open", "q2"),
    "waiting_customer": Look("Waiting for customer", "pause"),
    "waiting_third_party": Look("Waiting for third party", "ext"),
    "resolved": Look("Resolved", "check", "success"),
    "closed": Look("Closed", "check"),
    "merged": Look("Merged", "up"),
    "spam": Look("Spam", "slash"),
}
ALERT = {
    "firing": Look("Firing", "over", "danger"),
    "acknowledged": Look("Acknowledged", "q2", "info"),
    "resolved": Look("Resolved", "check", "success"),
}
PAGE = {
    "open": Look("Waiting", "clock", "danger"),
    "acknowledged": Look("Acknowledged", "q2", "info"),
    "exhausted": Look("Nobody answered", "over", "danger"),
    "resolved": Look("Resolved", "check", "success"),
}
MESSAGE = {
    "pending": Look("Waiting", "new"),
    "sending": Look("Being sent", "q2", "info"),
    "sent": Look("Sent", "check", "success"),
    "failed": Look("Failed", "over", "danger"),
    "cancelled": Look("Canceled", "slash"),
    "bundled": Look("Sent in a bundle", "up"),
}
DELIVERY = {
    "received": Look("Received", "new"),
    "normalised": Look("Understood", "check", "success"),
    "ignored": Look("Ignored", "slash"),
    "quarantined": Look("Quarantined", "warn", "warning"),
}
FRESHNESS = {
    "fresh": Look("Fresh", "check", "success"),
    "late": Look("Late", "clock", "warning"),
    "stale": Look("Stale", "over", "danger"),
    "paused": Look("Paused", "pause", "dashed"),
    "none": Look("No data", "dash", "quiet"),
}
VERIFIED = {
    "yes": Look("Verified", "check", "success"),
    "no": Look("Not verified", "warn", "warning"),
}
LEVEL_GLYPHS = {
    "danger": "over",
    "error": "over",
    "warning": "warn",
    "success": "check",
    "info": "info",
    "debug": "info",
}
VOCABULARIES = {
    "severity": SEVERITY,
    "alert_severity": ALERT_SEVERITY,
    "urgency": URGENCY,
    "incident": INCIDENT,
    "ticket": TICKET,
    "alert": ALERT,
    "page": PAGE,
    "message": MESSAGE,
    "delivery": DELIVERY,
    "freshness": FRESHNESS,
    "verified": VERIFIED,
}


def look(vocabulary: str, value: object) -> Look:
    """How a value looks; one that the vocabulary lacks is shown in its own words, neutral."""
    raw = str(value if value is not None else "")
    key = raw.strip().lower().replace(" ", "_").replace("-", "_")
    if vocabulary == "severity" and key.isdigit():
        key = f"sev{key}"
    known = VOCABULARIES[vocabulary].get(key)
    return known or Look(raw.replace("_", " ").strip().capitalize() or "Unknown", "dot")
