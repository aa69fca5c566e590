"""Loaded by Schemathesis: what our document needs beyond what it knows."""

from __future__ import annotations

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx: Any, value: Any) -> bytes:
    """Whatever was generated, once as it is and once as two lines of JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass") + b'\n{"action":"trigger","summary":"x"}\n'


@schemathesis.check
def no_5xx_but_503(ctx: Any, response: Any, case: Any) -> None:
    """Nothing that a stranger sends is a fault of ours; 503 says when to send it again."""
    if response.status_code >= 500:
        assert response.status_code == 503, f"{response.status_code}: {response.text[:200]}"
        assert "retry-after" in {name.lower() for name in response.headers}, (
            "503 without Retry-After"
        )
