"""One log format for everything: JSON lines, or a readable console in development."""

from __future__ import annotations

import logging
import sys

import structlog
from django.conf import settings

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


def _is_news(record: logging.LogRecord) -> bool:
    """Not ready yet is an answer of /readyz, not an error of ours."""
    return "/readyz" not in record.getMessage()


def configure() -> None:
    """Route structlog and the standard library through the same processors to stderr."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.LOG_FORMAT == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h, logging.StreamHandler)]
    root.addHandler(handler)
    root.setLevel(settings.LOG_LEVEL)
    logging.getLogger("django.server").propagate = False
    logging.getLogger("django.request").addFilter(_is_news)
    logging.getLogger("axes").setLevel("WARNING")
    logging.getLogger("apprise").setLevel("CRITICAL")
    logging.getLogger("django_q").setLevel("WARNING")
