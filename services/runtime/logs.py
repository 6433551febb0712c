"""Structured logs: one JSON object a line on stderr, with the correlation id of what is being handled.

Never report text, never contact details; ids only.
"""

import logging
import sys
from typing import cast

import structlog

_NOISY = ("aiokafka", "faststream", "httpx", "httpcore", "alembic", "asyncio", "uvicorn")


def configure(level: str, room: str, process: str) -> None:
    """Route structlog and the standard library's loggers to one JSON stream."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    # A producer with pending records after a broker stop logs thousands of lines a second (streaming.md §7), and so
    # does a missing topic. On the handler: the filters of a logger do not see what its children say.
    handler.addFilter(_RateLimit("aiokafka", per_second=5))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("services.faststream").setLevel(logging.ERROR)  # it warns that we create topics ourselves
    structlog.contextvars.bind_contextvars(room=room, process=process)


class _RateLimit(logging.Filter):
    """Let at most ``per_second`` records of ``name`` and its children through, by the record's own clock."""

    def __init__(self, name: str, per_second: int) -> None:
        super().__init__(name)
        self._per_second, self._second, self._seen = per_second, 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not super().filter(record):  # somebody else's
            return True
        second = int(record.created)
        self._seen = self._seen + 1 if second == self._second else 1
        self._second = second
        return self._seen <= self._per_second


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for one module."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(name))
