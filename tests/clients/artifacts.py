"""What profilers write, in the forms that are known, each full of what must never leave."""

from __future__ import annotations

from typing import Any

SECRET = "ada.lovelace@example.com"
AT = "2026-11-20T11:59:00Z"
# Values that identify people: none of them may appear in anything that is sent.
HELD: dict[str, Any] = {
    "min_value": SECRET, "max_value": SECRET, "top_values": [{"value": SECRET, "count": 3}],
    "enum_values": [SECRET], "samples": [SECRET], "histogram": [{"from": SECRET, "to": SECRET}],
    "description": f"the address, such as {SECRET}", "tests": [SECRET], "mean_value": 41.25,
}  # fmt: skip


def column(name: str, semantic: str | None, **more: Any) -> dict[str, Any]:
    return {"name": name, "actual_type": "VARCHAR", "role": "dimension", "semantic_type": semantic,
            "confidence": 0.93, **HELD, **more}  # fmt: skip


# One object with a list of tables, and facts at its top.
LISTED: dict[str, Any] = {
    "generated_at": AT,
    "dataface_version": "0.4.0",
    "contract_version": 3,
    "dialect": "Snowflake",
    "source": "warehouse",
    "tables": [
        {
            "schema": "public", "table": "users", "profiled_at": AT, "model_file_hash": "ab12",
            "row_count": 1_200_345, "grain": {"columns": ["id"], "label": SECRET},
            "relationships": [{"to": "orders", "provenance": SECRET}],
            "columns": [column("email", "email"), column("name", None)],
        },
        {"schema": "public", "table": "orders", "status": "error", "row_count": None,
         "error": {"code": "ERR-QUERY-DURATION-EXCEEDED", "message": f"bad value {SECRET}"}},
    ],
}  # fmt: skip

# Tables and columns by name, and facts in a part of their own.
KEYED: dict[str, Any] = {
    "metadata": {"generated_at": AT, "version": "0.10.0", "adapter_type": "bigquery",
                 "invocation_id": "inv-7", "bytes_scanned": 5_000_000},
    "schemas": {
        "sales": {
            "tables": {
                "invoices": {
                    "profiled_at": AT, "row_count": 500,
                    "columns": {
                        "iban": {"data_type": "STRING", **HELD,
                                 "classification": {"semantic_type": "bank_account",
                                                    "confidence": 87}},
                        "paid": {"data_type": "BOOL", "classification": {"semantic_type": None}},
                    },
                },
            },
        },
    },
}  # fmt: skip

# Models by dbt's own ids, without any semantic types.
MODELS: dict[str, Any] = {
    "version": 1,
    "models": {
        "model.shop.dim_users": {"name": "dim_users", "schema": "marts", "profiled_at": AT,
                                 "columns": [{"name": "id", "type": "int"}]},
        "public.plain": {"profiled_at": AT, "cached": True, "columns": {"id": {"type": "int"}}},
    },
}  # fmt: skip
