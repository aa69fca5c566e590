"""Keys under which profilers keep values of their users' columns: those never come in.

A profile's minimum, its most frequent values and its samples are somebody's data. A line that has
such a key is refused by the key's name, whatever stands under it, and no byte of it is kept.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any, Final

CODE: Final = "personal_data"

# Without case, underscores, hyphens, spaces and digits: `minValue`, `min-value` and `MIN_VALUE` are
# one, and so are `top_values` and `top_10_values`.
_NAMES: Final = frozenset(
    """
    min max minimum maximum minvalue maxvalue minval maxval minimumvalue maximumvalue
    mindate maxdate minstring maxstring minlexical maxlexical
    lowvalue highvalue lowestvalue highestvalue smallestvalue largestvalue
    firstvalue lastvalue medianvalue modevalue
    value_list values distinctvalues uniquevalues allvalues valuecounts rawvalues
    topvalues topvalue top topk topn mostcommon mostcommonvalues mostfrequent mostfrequentvalues
    frequentvalues commonvalues enumvalues enumvalue enum enums
    sample samples samplevalue samplevalues sampledata samplerow samplerows rawsample rawsamples
    example examples examplevalue examplevalues previewrows
    histogram histograms histogrambins bins distribution datedistribution
    quantiles percentiles quartiles
    """.replace("_", "").split()
)
_JOINTS: Final = re.compile(r"[^a-z]+")


def found(name: str, value: Any) -> str | None:
    """The first key at or below `name` that may hold personal data, as it was written; else None.

    `value` has passed `safe_json`, so it is no deeper than that allows.
    """
    if _refused(name):
        return name
    return found_in(value)


def found_in(value: Any) -> str | None:
    """As `found`, for a value whose own name is known to be fine."""
    if isinstance(value, dict):
        for key, below in value.items():
            if (key_found := found(key, below)) is not None:
                return key_found
    elif isinstance(value, list):
        for item in value:
            if (key_found := found_in(item)) is not None:
                return key_found
    return None


def sentence(name: str) -> str:
    """What the sender reads: which key, and what to leave out."""
    return (
        f"'{name[:60]}' may hold personal data and is not taken. Leave out minimum and maximum "
        "values, top values, enum values, samples and histograms; send types, counts and times."
    )


def _refused(name: str) -> bool:
    return _known(name) if len(name) <= 64 else _named(name)  # long ones are not remembered


@lru_cache(maxsize=4096)
def _known(name: str) -> bool:
    return _named(name)


def _named(name: str) -> bool:
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return _JOINTS.sub("", plain.lower()) in _NAMES
