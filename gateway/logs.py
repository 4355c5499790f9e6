"""Logs: one JSON object a line on stderr. Nothing that a customer wrote or keyed, no full number and no address goes
into one: what is logged are ids, kinds and our own words.
"""

import logging
import sys

import structlog


def configure(level: int = logging.INFO) -> None:
    """Set up structlog, once, at start. Libraries may only warn: some log addresses, some log what they read."""
    logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
