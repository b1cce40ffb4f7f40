"""Structured logs: ids of ours, counts, codes and S3 references; never an event, a name, a password or a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger

from rosterbridge.errors import RosterbridgeError, at_boundary

logger = Logger(service="rosterbridge", log_uncaught_exceptions=False)


@contextmanager
def boundary(**ids: str) -> Iterator[None]:
    """Log how a function ended, and let only the errors through that the state machine knows by name."""
    logger.append_keys(**ids)
    try:
        yield
    except RosterbridgeError as error:
        logger.warning("refused", extra={"code": error.code, "kind": type(error).__name__})
        raise at_boundary(error) from None
    finally:
        logger.remove_keys(list(ids))
