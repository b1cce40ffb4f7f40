"""What can go wrong, grouped by what to do next.

RosterbridgeError
├── TransientError        try again later: the other side is away, slow or throttling
├── PermanentError        trying again cannot help: somebody must change a setting
│   ├── ConfigurationError    an account, flow or setting is missing or wrong
│   └── NotFoundError         no such thing in this organization
└── InputRejectedError    the upload itself is wrong: its sender must mend it

Step Functions matches errors by their exact class name, without inheritance, so a function raises only
``TransientError``, ``PermanentError`` or ``InputRejectedError`` at its boundary (see ``at_boundary``).
A message holds a stable code, ids of ours and counts; never a name, an address, a password or a row.
"""

from __future__ import annotations


class RosterbridgeError(Exception):
    """Anything that Rosterbridge raises on purpose; ``code`` is stable and kebab-case."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class TransientError(RosterbridgeError):
    """The same call may succeed later."""


class PermanentError(RosterbridgeError):
    """The same call will fail until somebody changes something."""


class ConfigurationError(PermanentError):
    """An account, a flow or a setting is missing or wrong."""


class NotFoundError(PermanentError):
    """There is no such thing."""


class InputRejectedError(RosterbridgeError):
    """The upload is wrong and its sender must mend it."""


def at_boundary(error: Exception) -> RosterbridgeError:
    """Return ``error`` as one of the three classes that the state machine knows by name.

    Of an error that is not ours only the class is told: its text may hold a row.
    """
    if not isinstance(error, RosterbridgeError):
        return PermanentError("unexpected-error", type(error).__name__)
    for boundary in (TransientError, PermanentError, InputRejectedError):
        if isinstance(error, boundary):
            return error if type(error) is boundary else boundary(error.code, error.detail)
    return PermanentError(error.code, error.detail)
