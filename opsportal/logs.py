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


def without_credentials(record: logging.LogRecord) -> bool:
    """Paths of hooks and of signed links hold credentials: Django's own words about a refused
    request get its route instead."""
    request = getattr(record, "request", None)
    path = getattr(request, "path", "")
    if path and isinstance(record.args, tuple):
        match = getattr(request, "resolver_match", None)
        shown = match.route if match else f"/{path.strip('/').partition('/')[0]}/…"
        record.args = tuple(shown if arg == path else arg for arg in record.args)
    return True


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
    handler.addFilter(without_credentials)
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h, logging.StreamHandler)]
    root.addHandler(handler)
    root.setLevel(settings.LOG_LEVEL)
    logging.getLogger("django.server").propagate = False
    logging.getLogger("django.request").addFilter(_is_news)
    logging.getLogger("axes").setLevel("WARNING")
    logging.getLogger("apprise").setLevel("CRITICAL")
    logging.getLogger("django_q").setLevel("WARNING")
