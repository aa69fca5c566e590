"""A column's semantic type as the detector gives it, and the truth where somebody knows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.intake.canonical import FieldError
from apps.intake.readings import fields as f
from apps.intake.readings.shapes import LabelIn

WHAT: Final = "label"
NONE: Final = "none"  # the detector gave the column no type
MAX_REF: Final = 400
_TRUTH_SOURCES: Final = {
    "fixture": "fixture",
    "audit": "audit",
    **dict.fromkeys(("user_correction", "correction"), "user_correction"),
    **dict.fromkeys(("dbt_meta", "dbt"), "dbt_meta"),
}
FIELDS: Final = f.fields(
    {
        "label_id": f.identity(120),
        "column_ref": f.reference(MAX_REF),
        "source": f.name(120),
        "schema": f.name(160),
        "table": f.name(255),
        "column": f.name(255),
        "predicted": f.text(60),
        "truth": f.text(60),
        "truth_source": f.one_of(_TRUTH_SOURCES, "fixture, audit, user_correction, dbt_meta"),
        "sampled_at": f.time,
        "org": f.name(120),
        "project": f.name(120),
        "surface": f.text(120),
        "actual_type": f.text(60),
        "role": f.text(40),
        "confidence": f.share,
        "package": f.text(60),
        "contract_version": f.text(40),
        "warehouse_type": f.word(40),
        "stratum": f.text(60),
    },
    {
        "semantic_type": "predicted",
        "declared_type": "actual_type",
        "profiled_at": "sampled_at",
        "org_id": "org",
        "workspace": "org",
        "project_id": "project",
        "warehouse": "warehouse_type",
        "package_version": "package",
        "version": "package",
        "release": "package",
        "model_version": "package",
    },
)


def read(data: Mapping[str, Any], *, received_at: datetime) -> LabelIn:
    """The label of a line; `InvalidEvent` names every field that is wrong.

    A type that is null is a type: `none`. A line with a truth needs the time of its sample or an id
    of its own, so that the same line sent twice counts once.
    """
    values, errors = f.take(data, FIELDS)
    _name_column(values)
    if not values.get("predicted") and ("semantic_type" in data or "predicted" in data):
        values["predicted"] = NONE
    if not errors:
        errors += f.missing(values, "column_ref", "predicted")
        errors += _truth(values)
        if len(values.get("column_ref", "")) > MAX_REF:
            words = f"is longer than {MAX_REF} characters"
            errors.append(FieldError(field="column_ref", message=words))
    errors += f.within(values.get("sampled_at"), "sampled_at", received_at)
    if errors:
        f.refuse(WHAT, errors)
    values.setdefault("sampled_at", received_at)
    return LabelIn(**values)


def _name_column(values: dict[str, Any]) -> None:
    """`column_ref` from its parts, and the source from a `column_ref` that begins with one."""
    parts = [values.get("source")]
    parts += [values.pop(part, None) for part in ("schema", "table", "column")]
    reference = values.get("column_ref")
    if not reference and parts[2] and parts[3]:
        values["column_ref"] = ".".join(part for part in parts if part)
    elif reference and not parts[0] and reference.count(".") >= 3:
        source = reference.partition(".")[0]
        if len(source) <= 120:
            values["source"] = source


def _truth(values: dict[str, Any]) -> list[FieldError]:
    truth, known_by = values.get("truth"), values.get("truth_source")
    if truth and not known_by:
        words = "is missing: fixture, audit, user_correction or dbt_meta, with each truth"
        return [FieldError(field="truth_source", message=words)]
    if known_by and not truth:
        return [FieldError(field="truth", message="is missing: the type that is right")]
    if truth and not values.get("sampled_at") and not values.get("label_id"):
        words = "is missing: a label with a truth needs it, or a label_id"
        return [FieldError(field="sampled_at", message=words)]
    return []
