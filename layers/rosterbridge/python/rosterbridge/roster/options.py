"""How a flow converts: the options of ``mapping.md``, each with its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from rosterbridge.roster.codes import Severity, check_severities

MOST = 1000  # entries of a list: a flow is stored as one item, and shown in one answer


class _Limits:
    """Limits of a value in the words of pydantic's core; its own ways of saying so cost an import."""

    def __init__(self, **limits: float) -> None:
        self.limits = limits

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return {**handler(source), **self.limits}


Ids = Annotated[tuple[Annotated[str, _Limits(min_length=1, max_length=255)], ...], _Limits(max_length=MOST)]
AsmRepair = Literal["instructors", "roster-classes", "roster-students"]


@dataclass(frozen=True)
class ConversionOptions:
    """Options of a flow; an empty list of terms, schools or grades means all of them.

    A plain dataclass, since pydantic costs a short conversion a third of its time; pydantic's models that hold one
    check it by these annotations. Raises ValueError for a severity of an unknown or unadjustable code.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 not a field

    profile: Literal["lenient", "strict"] = "lenient"
    """strict judges as the standard's conformance cases do; lenient repairs what it can."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """What a code of the report counts as in this flow, instead of what its profile says."""
    disabled_users: Literal["keep", "drop"] = "keep"
    """What happens to users whose enabledUser is false (rule 4)."""
    ended: Literal["keep", "drop"] = "keep"
    """What happens to roles and enrolments that are over or have not begun (rule 6)."""
    terms: Ids = ()
    """Send only classes of these academic sessions (rule 7)."""
    schools: Ids = ()
    """Send only classes and people of these orgs (rule 7)."""
    grades: Ids = ()
    """Send only students of these grades (rule 7)."""
    staff_roles: Ids = ("teacher",)
    """Roles that make a user staff (rule 9)."""
    names: Literal["legal", "preferred"] = "legal"
    """preferred uses a preferred name where one is filled in (rule 10)."""
    password_policy: Literal["", "4", "6", "8"] = ""
    """Passcode length of students; blank leaves it to the location (rule 11)."""
    empty_classes: Literal["keep", "drop"] = "keep"
    """What happens to classes without a student (rule 14)."""
    course_location: Literal["split", "district"] = "split"
    """Where a course taught at several schools belongs (rule 16)."""
    id_policy: Literal["keep", "map"] = "keep"
    """map writes ids in letters, digits and hyphens only, so that they can be read back (rule 20)."""
    null_words: Literal["empty", "keep"] = "empty"
    """What NULL, null, N/A and - mean where no name is expected."""
    repair: bool | None = None
    """Mend or drop wrong rows and go on, or reject for any; by default on for OneRoster, off for Apple's format."""
    asm_repairs: Annotated[tuple[AsmRepair, ...], _Limits(max_length=MOST)] = (
        "instructors",
        "roster-classes",
        "roster-students",
    )
    """What repair mends in Apple's own format: unknown instructors, rosters of unknown classes or students."""
    max_dropped: Annotated[float, _Limits(ge=0, le=1)] = 0.05
    """The share of a file's rows above which dropping rejects the upload."""

    def __post_init__(self) -> None:
        check_severities(self.severities)

    @property
    def repairs_oneroster(self) -> bool:
        """Whether wrong rows of a OneRoster package are dropped; on unless switched off."""
        return self.repair is not False

    @property
    def repairs_asm(self) -> bool:
        """Whether an upload in Apple's own format is mended; off unless switched on: what is sent then differs."""
        return self.repair is True
