"""Logs: one JSON object a line on standard error, without personal data."""

import logging
import sys
from typing import Final

import orjson
import structlog

SILENCED: Final = ("pymongo", "uvicorn.access", "asyncio", "httpx", "urllib3")
"""Loggers whose lower levels hold queries, addresses or documents."""


def configure_logging(level: str) -> None:
    """Sends this project's and every library's records to standard error as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", key="ts"),
        _without_exception_text,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(serializer=_serialised),
        ],
        foreign_pre_chain=shared,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in SILENCED:
        logging.getLogger(name).setLevel(logging.WARNING)


def _serialised(value: object, **_: object) -> str:
    return orjson.dumps(value, default=str).decode()


def _without_exception_text(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """An exception's text can hold a document: only its type is logged."""
    found = event.pop("exc_info", None)
    if isinstance(found, tuple) and found[0] is not None:
        event["error"] = found[0].__name__
    elif isinstance(found, BaseException):
        event["error"] = type(found).__name__
    return event
