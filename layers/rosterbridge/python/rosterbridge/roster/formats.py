"""The two formats as data: files, their columns, what must be there and what refers to what.

Sources: 1EdTech's OneRoster CSV bindings 1.0, 1.1 and 1.2; Apple's guide to the six files. A star marks a column
without which a file cannot be used; columns that are not listed here are ignored, and never kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MANIFEST = "manifest.csv"
ORGS = "orgs.csv"
USERS = "users.csv"
ROLES = "roles.csv"
COURSES = "courses.csv"
CLASSES = "classes.csv"
ENROLLMENTS = "enrollments.csv"
SESSIONS = "academicSessions.csv"

STUDENTS = "students.csv"
STAFF = "staff.csv"
ROSTERS = "rosters.csv"
LOCATIONS = "locations.csv"


@dataclass(frozen=True)
class FileFormat:
    """One file: ``columns`` that are read, those ``needed`` in its header, and other spellings of a column's name."""

    name: str
    columns: tuple[str, ...]
    needed: frozenset[str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    separators: str = ","
    escape: str | None = None

    def columns_without(self, some: Collection[str]) -> tuple[str, ...]:
        """Return the other columns."""
        return tuple(column for column in self.columns if column not in some)

    def places(self, header: Sequence[str]) -> list[tuple[str, int]]:
        """Return the columns that a header's cells mean, in any case, with their positions; others are passed over.

        Another name of a column counts only where its own name does not stand.
        """
        known = {name.casefold(): name for name in self.columns}
        cells = [cell.strip().casefold() for cell in header]
        own = [(known[cell], position) for position, cell in enumerate(cells) if cell in known]
        named = {name for name, _ in own}
        others = [(self.aliases[cell], position) for position, cell in enumerate(cells) if cell in self.aliases]
        return own + [(name, position) for name, position in others if name not in named]


def _file(name: str, columns: str, *, aliases: Mapping[str, str] | None = None) -> FileFormat:
    words = columns.split()
    return FileFormat(
        name=name,
        columns=tuple(word.rstrip("*") for word in words),
        needed=frozenset(word.rstrip("*") for word in words if word.endswith("*")),
        aliases={other.casefold(): column for other, column in (aliases or {}).items()},
    )


def _by_name(files: Iterable[FileFormat]) -> dict[str, FileFormat]:
    return {file.name: file for file in files}


# The aliases are names of the same columns in OneRoster 1.0 and in its web service, which some exports use
ONEROSTER = _by_name(
    [
        _file(ORGS, "sourcedId* status name type identifier"),
        _file(
            USERS,
            "sourcedId* status enabledUser orgSourcedIds role username givenName* familyName* middleName identifier"
            " email grades preferredGivenName preferredMiddleName preferredFamilyName primaryOrgSourcedId",
            aliases={"grade": "grades", "orgs": "orgSourcedIds"},
        ),
        _file(ROLES, "sourcedId status userSourcedId* roleType role* beginDate endDate orgSourcedId"),
        _file(COURSES, "sourcedId* status title courseCode orgSourcedId", aliases={"org": "orgSourcedId"}),
        _file(
            CLASSES,
            "sourcedId* status title courseSourcedId classCode schoolSourcedId* termSourcedIds",
            aliases={
                "termSourcedId": "termSourcedIds",
                "terms": "termSourcedIds",
                "course": "courseSourcedId",
                "school": "schoolSourcedId",
            },
        ),
        _file(
            ENROLLMENTS,
            "sourcedId status classSourcedId* userSourcedId* role* primary beginDate endDate",
            aliases={"class": "classSourcedId", "user": "userSourcedId"},
        ),
    ]
)
BOOLEANS = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}
ROLES_1_1 = frozenset({"administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher"})
ROLES_1_2 = frozenset(
    {
        *("aide", "counselor", "districtAdministrator", "guardian", "parent", "principal"),
        *("proctor", "relative", "siteAdministrator", "student", "systemAdministrator", "teacher"),
    }
)
ENROLLMENT_ROLES = frozenset({"", "administrator", "proctor", "student", "teacher"})
# The words of both versions; in lower case they are compared in any spelling
VOCABULARIES: Mapping[str, Collection[str]] = {
    "status": frozenset({"", "active", "tobedeleted", "inactive"}),
    "enabledUser": BOOLEANS,
    "primary": BOOLEANS,
    "roleType": frozenset({"", "primary", "secondary"}),
    "role": frozenset({"", *ROLES_1_1, *ROLES_1_2}),
    "type": frozenset({"", "department", "school", "district", "local", "state", "national"}),
}
# Columns in which few different values stand many times
WORDS = frozenset({*VOCABULARIES, "beginDate", "endDate"})
# Columns in which a person, a class or a school may be named whatever it likes, even NULL
NAMES = frozenset({"sourcedId", "givenName", "familyName", "title", "name"})

# Names that only OneRoster 1.0 uses, and that no later version has
ONEROSTER_1_0_HEADERS = frozenset({"grade", "termsourcedid", "userid", "agents", "schoolyearid"})

ONEROSTER_REQUIRED = (ORGS, USERS, CLASSES, ENROLLMENTS)
FILE_ALIASES = {"org.csv": ORGS}


@dataclass(frozen=True)
class AsmFile:
    """One of Apple's six files: its columns in order, those that need a value, its key and its references.

    ``repeated`` names the column that may stand again with a number, from ``repeats_from`` to ``repeats_to``; such
    columns are appended at the end (``location_id_2`` …).
    """

    name: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    key: str
    references: Mapping[str, str] = field(default_factory=dict)
    repeated: str | None = None
    repeats_from: int = 0
    repeats_to: int = 0

    def repeats(self, count: int) -> list[str]:
        """Return the names of the columns that are appended when ``count`` values are needed."""
        return [f"{self.repeated}_{number}" for number in range(self.repeats_from, count + 1)]


LOCATION_LIMIT = 999
INSTRUCTOR_LIMIT = 15
PASSWORD_POLICIES = ("", "4", "6", "8")

ASM = {
    file.name: file
    for file in (
        AsmFile(
            STUDENTS,
            ("person_id", "person_number", "first_name", "middle_name", "last_name", "grade_level", "email_address",
             "sis_username", "password_policy", "location_id"),
            required=("person_id", "first_name", "last_name", "location_id"),
            key="person_id",
            references={"location_id": LOCATIONS},
            repeated="location_id",
            repeats_from=2,
            repeats_to=LOCATION_LIMIT,
        ),
        AsmFile(
            STAFF,
            ("person_id", "person_number", "first_name", "middle_name", "last_name", "email_address", "sis_username",
             "location_id"),
            required=("person_id", "first_name", "last_name", "location_id"),
            key="person_id",
            references={"location_id": LOCATIONS},
            repeated="location_id",
            repeats_from=2,
            repeats_to=LOCATION_LIMIT,
        ),
        AsmFile(
            COURSES,
            ("course_id", "course_number", "course_name", "location_id"),
            required=("course_id", "location_id"),
            key="course_id",
            references={"location_id": LOCATIONS},
        ),
        AsmFile(
            CLASSES,
            ("class_id", "class_number", "course_id", "instructor_id", "instructor_id_2", "instructor_id_3",
             "location_id"),
            required=("class_id", "course_id", "location_id"),
            key="class_id",
            references={"course_id": COURSES, "instructor_id": STAFF, "location_id": LOCATIONS},
            repeated="instructor_id",
            repeats_from=4,
            repeats_to=INSTRUCTOR_LIMIT,
        ),
        AsmFile(
            ROSTERS,
            ("roster_id", "class_id", "student_id"),
            required=("roster_id", "class_id", "student_id"),
            key="roster_id",
            references={"class_id": CLASSES, "student_id": STUDENTS},
        ),
        AsmFile(
            LOCATIONS,
            ("location_id", "location_name"),
            required=("location_id", "location_name"),
            key="location_id",
        ),
    )
}  # fmt: skip
