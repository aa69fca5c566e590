"""What a customer's short answer says: still broken, fine now, or neither. Pure.

Only for deciding whom it is shown to at once; nothing is closed or opened by it.
"""

from __future__ import annotations

import re

BROKEN, FINE, OTHER = "broken", "fine", "other"
_LOOKED_AT = 2000  # characters; what matters stands at the top

_BROKEN = re.compile(
    r"""\b(?:
        still\s+(?!thank)\w+                       # still failing, still the same, still see it
        | not\s+(?:yet\s+)?(?:solved|fixed|resolved|working|better|over|done|gone|ok(?:ay)?)
        | (?:is|are|was|were|has|have|does|do|did)n[o’']?t\s+(?:been\s+)?
            (?:solved|fixed|resolved|work|working|help|helped|better|over|gone)
        | (?:does|do|did|is)\s+not\s+(?:work|help|solve|fix)
        | (?:again|keeps?)\s+(?:fail|break|broken|happen|tim)\w*
        | (?:happen\w*|fail\w*|broke\w*|back)\s+again
        | (?:same|another|new)\s+(?:error|problem|issue|time-?out|failure)s?
        | no\s+(?:change|improvement|better|luck)
        | (?:worse|unchanged|fails|failing|broken)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FINE = re.compile(
    r"""\b(?:
        thanks? | thank\s+you | thx | cheers | many\s+thanks
        | (?:works?|working|fine|good|ok(?:ay)?|back|solved|fixed|resolved)\s+(?:now|again|for\s+us)
        | all\s+(?:good|fine|clear) | looks\s+good | (?:it|that)\s+(?:works|worked|helped)
        | confirm\w*\s+(?:fixed|solved|resolved|working)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
# Good news that hold bad words: “no longer failing”, “not broken any more”.
_GOOD_NEWS = re.compile(
    r"\b(?:no\s+longer|not|nothing|never)\s+(?:is\s+)?(?:fail\w*|broken|worse)\b"
    r"(?:\s+any\s?more)?",
    re.IGNORECASE,
)


def reads_as(text: str) -> str:
    """BROKEN where anything says so, also beside thanks; FINE where it only thanks or confirms."""
    words = " ".join(text[:_LOOKED_AT].split())
    plain = _GOOD_NEWS.sub("works now", words)
    if _BROKEN.search(plain):
        return BROKEN
    return FINE if _FINE.search(plain) else OTHER
