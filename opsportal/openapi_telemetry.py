"""The OpenAPI document's part about posting telemetry, which the lean path answers."""

from __future__ import annotations

from opsportal.openapi_parts import KEY, PROBLEM, TIME, Json, body, operation, ref, shape, text

SCHEMAS: Json = {
    "ProfileRun": shape(
        {
            "run_id": text(None, "Once a key, with `attempt`. Also `job_id`, `invocation_id`."),
            "attempt": {"type": "integer", "minimum": 1, "default": 1},
            "phase": {"type": "string", "enum": ["start", "end"], "description": "Or `progress`."},
            "result": text(
                None,
                "ok, partial, error, timeout, cancelled; needed but for a start. Also "
                "`outcome`, `result_type`; without any of them `exit_code` counts.",
            ),
            "org": text(120),
            "project": text(120, "May be a hash."),
            "source": text(120, "The warehouse, as the project names it."),
            "connection": text(120, "Key of a connection of a customer."),
            "warehouse_type": text(40, "snowflake, bigquery, postgres, …: any text."),
            "surface": text(None, "A surface's key. Without one the integration's counts."),
            "command": text(),
            "trigger": text(None, "cli, ide, mcp, server, ci, cloud."),
            "queued_at": TIME,
            "started_at": TIME,
            "finished_at": {**TIME, "description": "Without it: the start and duration, or now."},
            "duration_ms": {"type": "number", "minimum": 0},
            "diagnostic_code": text(None, "Whom a failure is blamed on follows from it."),
            "tables": {
                "description": "How many (`attempted`, `ok`, `failed`, `skipped_fresh`), as an "
                "object or a number, or the rows themselves.",
                "oneOf": [
                    {"type": "integer"},
                    shape(
                        {
                            name: {"type": "integer"}
                            for name in ("attempted", "ok", "failed", "skipped_fresh")
                        }
                    ),
                    {"type": "array", "items": ref("ProfiledTable"), "maxItems": 2000},
                ],
            },
            "table_rows": {"type": "array", "items": ref("ProfiledTable"), "maxItems": 2000},
            "columns": {"type": "integer"},
            "row_count_bucket": text(20),
            "approximate": {"type": "boolean"},
            "deep_profile": {"type": "boolean"},
            "bytes_scanned": {"type": "integer", "format": "int64"},
            "cost_usd": {"type": "number"},
            "package": text(None, "The profiler's version. Also `version`, `release`."),
            "contract_version": text(),
        },
        "run_id",
    ),
    "ProfiledTable": shape(
        {
            "schema": text(160),
            "table": text(255),
            "result": text(None, "ok when it is missing; skipped for one that was fresh."),
            "profiled_at": TIME,
            "model_file_hash": text(),
            "upstream_changed_at": TIME,
            "duration_ms": {"type": "number", "minimum": 0},
        },
        "table",
    ),
    "ReportRun": shape(
        {
            "run_id": text(None, "Once a key, with `attempt`."),
            "invocation_id": text(None, "Instead: one for all reports of a command."),
            "attempt": {"type": "integer", "minimum": 1, "default": 1},
            "template": text(60),
            "template_version": text(),
            "table": text(400),
            "surface": text(),
            "result": text(None, "ok, error, timeout, cancelled."),
            "ejected": {"type": "boolean"},
            "started_at": TIME,
            "finished_at": {**TIME, "description": "Without it: now."},
            "duration_ms": {"type": "number", "minimum": 0},
            "diagnostic_code": text(),
            "package": text(),
        },
        *("template", "result"),
    ),
    "SemanticLabel": shape(
        {
            "label_id": text(),
            "column_ref": text(400, "source.schema.table.column, or these four apart."),
            "source": text(120),
            "schema": text(),
            "table": text(),
            "column": text(),
            "semantic_type": text(
                60, "As predicted, also `predicted`; null means none.", nullable=True
            ),
            "truth": text(60, "Without one the line is part of an inventory."),
            "truth_source": {
                "type": "string",
                "enum": ["fixture", "audit", "user_correction", "dbt_meta"],
            },
            "sampled_at": {**TIME, "description": "Needed with a truth, or `label_id`."},
            "org": text(120),
            "project": text(120),
            "surface": text(),
            "actual_type": text(),
            "role": text(),
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "package": text(None, "The detector's version."),
            "contract_version": text(),
            "warehouse_type": text(),
            "stratum": text(60, "The predicted type unless it is said."),
        },
        *("column_ref", "semantic_type"),
    ),
    "SliCount": shape(
        {
            "sli": text(80),
            "starts_at": TIME,
            "seconds": {"type": "integer", "minimum": 1, "default": 60},
            "good": {"type": "integer", "minimum": 0, "format": "int64"},
            "bad": {"type": "integer", "minimum": 0, "format": "int64"},
            "total": {"type": "integer", "minimum": 0, "format": "int64"},
            "part": text(80, "What a rule may group by."),
            "surface": text(),
        },
        *("sli", "starts_at"),
        description="Two of good, bad and total are enough. A repeat of the same sli, part and "
        "window replaces the one before.",
    ),
    "Measurement": shape(
        {
            "metric": text(80),
            "subject": text(160, "What was measured: a domain, a board, a tool."),
            "value": {"type": "number"},
            "unit": text(20),
            "limit": {"type": "number"},
            "not_after": {**TIME, "description": "An end date, such as a certificate's."},
            "at": {**TIME, "description": "Without it: now."},
            "surface": text(),
        },
        "metric",
        description="A value, an end date, or both.",
    ),
    "TelemetryAnswer": shape(
        {
            "status": {"type": "string", "enum": ["accepted"]},
            "delivery_id": text(),
            "accepted": {"type": "integer", "description": "How many lines were taken."},
            "rejected": {
                "type": "array",
                "items": shape(
                    {
                        "line": {"type": "integer"},
                        "code": text(),
                        "detail": text(),
                        "field": text(),
                    },
                    *("line", "code", "detail"),
                ),
            },
        },
        *("status", "delivery_id", "accepted", "rejected"),
    ),
}

_ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key at the same address is the same delivery.",
    "schema": {"type": "string", "maxLength": 255},
}


def _telemetry(name: str, schema: str, about: str) -> Json:
    """A door of telemetry: one object, or one a line."""
    return operation(
        f"telemetry_{name}",
        "telemetry",
        f"{about}\n\nOne JSON object, or NDJSON of up to 10,000 lines and 8 MiB; lines that cannot "
        "be taken are named in the answer and not kept, the others are. Keys that may hold "
        "personal data (`min_value`, `top_values`, `samples`, …) are refused at any depth.\n\n"
        "Scope: `telemetry:write`.",
        {
            "content": {
                "application/json": {"schema": ref(schema)},
                "application/x-ndjson": {"schema": {"type": "string"}},
            }
        },
        body("application/json", ref("TelemetryAnswer")),
        problem=PROBLEM,
        parameters=[_ONCE],
        **KEY,
    )


PATHS: Json = {
    "/api/v1/telemetry/profile-runs": _telemetry(
        "post_profile_runs",
        "ProfileRun",
        "Profiling runs that began or ended. The first record of an ended attempt stands, and an "
        "end outweighs a start.",
    ),
    "/api/v1/telemetry/report-runs": _telemetry(
        "post_report_runs",
        "ReportRun",
        "Inspector reports that were made, or were not.",
    ),
    "/api/v1/telemetry/semantic-labels": _telemetry(
        "post_semantic_labels",
        "SemanticLabel",
        "Semantic types of columns: an inventory, or with a truth a sample of how right they are.",
    ),
    "/api/v1/telemetry/sli-counts": _telemetry(
        "post_sli_counts",
        "SliCount",
        "Good events of all events in a window, of anything.",
    ),
    "/api/v1/telemetry/measurements": _telemetry(
        "post_measurements",
        "Measurement",
        "Single readings: latencies, sizes, end dates of certificates.",
    ),
}
