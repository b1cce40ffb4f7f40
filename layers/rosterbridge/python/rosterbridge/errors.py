"""What can go wrong, grouped by what to do next.

RosterbridgeError
├── TransientError        try again later: the other side is away, slow or throttling
├── PermanentError        trying again cannot help: somebody must change a setting
│   ├── ConfigurationError    an account, flow or setting is missing or wrong
│   ├── NotFoundError         no such thing in this organization
│   ├── ForbiddenError        the caller's role does not allow it
│   ├── InvalidRequestError   what the caller asks for makes no sense
│   └── ConflictError         what is stored does not allow it now
│       ├── RepeatedRequestError  the same request was fulfilled before
│       └── InUseError            flows use what is to be deleted
└── InputRejectedError    the upload itself is wrong: its sender must mend it

Step Functions matches errors by their exact class name, without inheritance, so a function raises only
``TransientError``, ``PermanentError`` or ``InputRejectedError`` at its boundary (see ``at_boundary``).
A message holds a stable code, ids of ours and counts; never a name, an address, a password or a row.
"""

from __future__ import annotations

from collections.abc import Sequence


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


class ForbiddenError(PermanentError):
    """The caller's role does not allow it."""


class InvalidRequestError(PermanentError):
    """What the caller asks for makes no sense; ``field`` names what is wrong in it."""

    def __init__(self, code: str, detail: str = "", *, field: str = "") -> None:
        super().__init__(code, detail)
        self.field = field


class ConflictError(PermanentError):
    """What is stored does not allow it now."""


class RepeatedRequestError(ConflictError):
    """A request with this idempotency key was fulfilled before.

    ``target_ids`` are the ids of what it created, in the order of ``Change.creates``; ``fingerprint`` is its content's.
    """

    def __init__(self, fingerprint: str, target_ids: tuple[str, ...]) -> None:
        super().__init__("request-repeated")
        self.fingerprint = fingerprint
        self.target_ids = target_ids


class InUseError(ConflictError):
    """Flows use the account; ``flows`` are their ids and names, which its text does not hold."""

    def __init__(self, flows: Sequence[tuple[str, str]]) -> None:
        super().__init__("in-use", f"{len(flows)} flows")
        self.flows = tuple(flows)


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
