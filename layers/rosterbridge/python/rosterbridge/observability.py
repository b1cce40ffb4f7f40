"""Structured logs: ids of ours, counts, codes and S3 references; never an event, a name, a password or a row."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from aws_lambda_powertools import Logger

from rosterbridge.errors import RosterbridgeError, at_boundary

logger = Logger(log_uncaught_exceptions=False)


@contextmanager
def boundary(**ids: str) -> Iterator[None]:
    """Log how a function ended, and let only the errors through that the state machine knows by name."""
    logger.append_keys(**ids)
    try:
        yield
    except RosterbridgeError as error:
        logger.warning("refused", extra={"code": error.code, "detail": error.detail, "kind": type(error).__name__})
        raise at_boundary(error) from None
    except Exception as error:  # noqa: BLE001 its text may hold a row, so that only its kind and place are told
        logger.error("unexpected", extra={"kind": type(error).__name__, "place": _place(error)})
        raise at_boundary(error) from None
    finally:
        logger.remove_keys(list(ids))


def _place(error: Exception) -> list[str]:
    """Return the calls that led to ``error``, the last one last, without any value."""
    calls = traceback.extract_tb(error.__traceback__)
    return [f"{PurePath(call.filename).name}:{call.lineno} {call.name}" for call in calls]
