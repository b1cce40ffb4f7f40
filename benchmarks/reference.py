"""The same conversion in plain Python: csv, zipfile, lists and dicts, row after row, without a library.

It knows the rules with their default options for OneRoster 1.0 to 1.2 and shares no code with the converter, so that
it is also what the converter is tested against. ``python -m benchmarks.reference source.zip target.zip``.
"""

from __future__ import annotations

import csv
import io
import re
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import AS_OF
from benchmarks.reference_files import Class, Course, Enrollment, Org, RefusedError, Role, User, read

MAX_DROPPED = 0.05
MAX_INSTRUCTORS = 15
MAX_LOCATIONS = 999
LEADING_ZEROS = re.compile(r"0+(\d+)")
STUDENT, STAFF = "student", "staff"
ERRORS = {
    *("missing-value", "surplus-values", "unknown-school", "unknown-class", "unknown-user", "class-dropped"),
    *("user-dropped", "person-without-location"),
}
COLUMNS = {
    "students.csv": "person_id,person_number,first_name,middle_name,last_name,grade_level,email_address,sis_username,"
    "password_policy,location_id",
    "staff.csv": "person_id,person_number,first_name,middle_name,last_name,email_address,sis_username,location_id",
    "courses.csv": "course_id,course_number,course_name,location_id",
    "classes.csv": "class_id,class_number,course_id,instructor_id,instructor_id_2,instructor_id_3,location_id",
    "rosters.csv": "roster_id,class_id,student_id",
    "locations.csv": "location_id,location_name",
}

Cells = list[str]


@dataclass
class Counts:
    """How the rows of a file ended."""

    read: int
    reasons: dict[str, int]

    @property
    def dropped(self) -> int:
        """Rows that an error dropped."""
        return sum(count for reason, count in self.reasons.items() if reason in ERRORS)

    @property
    def left_out(self) -> int:
        """Rows that a rule left out."""
        return sum(self.reasons.values()) - self.dropped

    @property
    def sent(self) -> int:
        """Rows that went on."""
        return self.read - sum(self.reasons.values())


@dataclass
class Result:
    """The counts of each source file, row errors as (code, file, line), values cleaned, and rows that had ended."""

    cleaned: Counter[str]
    ended: Counter[str]
    counts: dict[str, Counts] = field(default_factory=dict)
    errors: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass
class Roster:
    """The rows of a package; each step ends those that go no further, in the order of the rules."""

    orgs: list[Org]
    users: list[User]
    roles: list[Role] | None
    courses: list[Course]
    classes: list[Class]
    enrollments: list[Enrollment]

    def judge_references(self) -> None:
        """End classes without a school, and enrolments and roles without a class or user."""
        orgs = {org.sourcedId for org in _live(self.orgs)}
        for taught in _live(self.classes):
            if taught.schoolSourcedId not in orgs:
                taught.fate = "unknown-school"
        classes, users = _ends(self.classes), _ends(self.users)
        for row in _live(self.enrollments):
            if not row.role:
                row.fate = "missing-value"
                continue
            row.fate = _judged(classes.get(row.classSourcedId, "unknown"), "class") or _judged(
                users.get(row.userSourcedId, "unknown"), "user"
            )
            if not row.fate and row.role not in ("student", "teacher"):
                row.fate = "other-role"
        for role in _live(self.roles or []):
            role.fate = _judged(users.get(role.userSourcedId, "unknown"), "user")

    def choose_kinds(self) -> None:
        """Tell staff from students, and end the users that are neither or have no name."""
        roles: dict[str, set[str]] = defaultdict(set)
        if self.roles is None:
            for user in _live(self.users):
                roles[user.sourcedId].add(user.role or "student")
        else:
            for role in _live(self.roles):
                roles[role.userSourcedId].add(role.role or "student")
        instructors = {row.userSourcedId for row in _live(self.enrollments) if row.role == "teacher"}
        for user in _live(self.users):
            own = roles.get(user.sourcedId, set())
            if user.sourcedId in instructors or ("teacher" in own and "student" not in own):
                user.kind = STAFF
            elif "student" in own:
                user.kind = STUDENT
            else:
                user.fate = "other-role" if own else "user-without-role"
                continue
            if not user.givenName or not user.familyName:
                user.fate = "missing-value"

    def place_people(self) -> None:
        """Find each person's locations: its own orgs, then the schools of its classes, else any own org."""
        orgs = {org.sourcedId for org in _live(self.orgs)}
        schools = self.school_ids()
        school_of = {taught.sourcedId: taught.schoolSourcedId for taught in _live(self.classes)}
        people = {user.sourcedId: user for user in _live(self.users)}
        role_of = {STAFF: "teacher", STUDENT: "student"}
        visited: dict[str, dict[str, None]] = defaultdict(dict)
        for row in _live(self.enrollments):
            person = people.get(row.userSourcedId)
            if person is not None and row.role == role_of[person.kind]:
                visited[row.userSourcedId][school_of[row.classSourcedId]] = None
        own_orgs = self._own_orgs()
        for person in people.values():
            own = [org for org in own_orgs[person.sourcedId] if org in orgs]
            places = [org for org in own if org in schools] + list(visited.get(person.sourcedId, ()))
            person.places = list(dict.fromkeys(places or own[:1]))[:MAX_LOCATIONS]
            if not person.places:
                person.fate = "person-without-location"

    def school_ids(self) -> set[str]:
        """Return the orgs that are locations by themselves."""
        schools = {org.sourcedId for org in _live(self.orgs) if org.type == "school"}
        return schools | {taught.schoolSourcedId for taught in _live(self.classes)}

    def _own_orgs(self) -> dict[str, list[str]]:
        if self.roles is None:
            return {user.sourcedId: [org.strip() for org in user.orgSourcedIds.split(",")] for user in self.users}
        own = {user.sourcedId: [user.primaryOrgSourcedId] for user in _live(self.users)}
        for wanted in (True, False):
            for role in _live(self.roles):
                if (role.roleType == "primary") == wanted and role.userSourcedId in own:
                    own[role.userSourcedId].append(role.orgSourcedId)
        return own

    def judge_rosters(self) -> None:
        """End enrolments of people who are not sent, or not as that, or who are in the class already."""
        users = _ends(self.users)
        students = {user.sourcedId for user in _live(self.users) if user.kind == STUDENT}
        attending: dict[str, set[str]] = defaultdict(set)
        for row in _live(self.enrollments):
            row.fate = _judged(users[row.userSourcedId], "user")
            if row.fate or row.role != "student":
                continue
            if row.userSourcedId not in students:
                row.fate = "other-role"
            elif row.userSourcedId in attending[row.classSourcedId]:
                row.fate = "same-student-again"
            else:
                attending[row.classSourcedId].add(row.userSourcedId)
        for role in _live(self.roles or []):
            role.fate = _judged(users[role.userSourcedId], "user")

    def choose_instructors(self) -> None:
        """Give each class its instructors: primary ones first, then by id."""
        teaching: dict[str, list[Enrollment]] = defaultdict(list)
        for row in _live(self.enrollments):
            if row.role == "teacher":
                teaching[row.classSourcedId].append(row)
        for taught in _live(self.classes):
            for row in sorted(
                teaching.get(taught.sourcedId, ()), key=lambda row: (row.primary != "true", row.userSourcedId)
            ):
                if row.userSourcedId in taught.instructors:
                    row.fate = "same-instructor-again"
                elif len(taught.instructors) == MAX_INSTRUCTORS:
                    row.fate = "instructor-limit"
                else:
                    taught.instructors.append(row.userSourcedId)

    def choose_courses(self) -> list[Cells]:
        """Return the rows of the courses that are taught, and give each class the id of its course there."""
        places = self.school_ids() | {place for user in _live(self.users) for place in user.places}
        taught: dict[str, list[Class]] = defaultdict(list)
        for one in _live(self.classes):
            one.course = one.courseSourcedId or f"course-{one.sourcedId}"
            taught[one.course].append(one)
        listed = {course.sourcedId: course for course in _live(self.courses)}
        rows = {identity: _course(identity, listed.get(identity), one, places) for identity, one in taught.items()}
        ordered: list[Cells] = []
        for course in listed.values():
            if course.sourcedId not in taught:
                course.fate = "not-referenced"
            ordered += rows.get(course.sourcedId, {}).values()
        made = [(one.course, one.schoolSourcedId) for one in _live(self.classes) if one.course not in listed]
        ordered += [rows[course][school] for course, school in dict.fromkeys(made) if school in rows[course]]
        for one in _live(self.classes):
            if len(rows[one.course]) > 1:
                one.course = f"{one.course}-{one.schoolSourcedId}"
        return ordered

    def locations(self, courses: list[Cells]) -> list[Cells]:
        """Return the orgs that a sent row refers to."""
        used = {place for user in _live(self.users) for place in user.places}
        used |= {taught.schoolSourcedId for taught in _live(self.classes)} | {row[-1] for row in courses}
        for org in _live(self.orgs):
            if org.sourcedId not in used:
                org.fate = "not-referenced"
        return [[org.sourcedId, org.name or org.identifier or org.sourcedId] for org in _live(self.orgs)]


def _live(rows: Iterable[Any]) -> Iterator[Any]:
    return (row for row in rows if row.fate is None)


def _ends(rows: list[Any]) -> dict[str, str]:
    """Return for each id how it ended: in play, dropped by an error, or left out by a rule."""
    ends: dict[str, str] = {}
    for row in rows:
        end = "" if row.fate is None else "dropped" if row.fate in ERRORS else "left-out"
        if end == "" or (end == "dropped" and ends.get(row.sourcedId) != "") or row.sourcedId not in ends:
            ends[row.sourcedId] = end
    return ends


def _judged(end: str, thing: str) -> str | None:
    if end == "":
        return None
    return f"unknown-{thing}" if end == "unknown" else f"{thing}-{end}"


def _person(user: User, width: int) -> Cells:
    student = user.kind == STUDENT
    return [
        *(user.sourcedId, user.identifier, user.givenName, user.middleName, user.familyName),
        *([_grade(user.grades)] if student else []),
        *(user.email, user.username),
        *([""] if student else []),
        *_padded(user.places, width),
    ]


def _grade(grades: str) -> str:
    first = grades.split(",", maxsplit=1)[0].strip()
    number = LEADING_ZEROS.fullmatch(first)
    return number[1] if number else first


def _course(identity: str, listed: Course | None, classes: list[Class], places: set[str]) -> dict[str, Cells]:
    """Return a course's row, or its row for each school, by the school of the first class that it is for."""
    title, code = (listed.title, listed.courseCode) if listed else (classes[0].title, "")
    name = title or code or identity
    schools = list(dict.fromkeys(one.schoolSourcedId for one in classes))
    if listed and listed.orgSourcedId in places:
        return {schools[0]: [identity, code, name, listed.orgSourcedId]}
    if len(schools) == 1:
        return {schools[0]: [identity, code, name, schools[0]]}
    return {school: [f"{identity}-{school}", code, name, school] for school in schools}


def _class(taught: Class, width: int) -> Cells:
    instructors = _padded(taught.instructors, width)
    number = taught.classCode or taught.title
    return [taught.sourcedId, number, taught.course, *instructors[:3], taught.schoolSourcedId, *instructors[3:]]


def _roster(row: Enrollment) -> Cells:
    return [row.sourcedId or f"{row.classSourcedId}-{row.userSourcedId}", row.classSourcedId, row.userSourcedId]


def _padded(values: list[str], width: int) -> Cells:
    return values + [""] * (width - len(values))


def _numbered(column: str, first: int, last: int) -> list[str]:
    return [f"{column}_{number}" for number in range(first, last + 1)]


def convert(source: Path, target: Path, as_of: date) -> Result:
    """Convert the ZIP; raises RefusedError for one that is refused."""
    package = read(source)
    result = Result(cleaned=package.cleaned, ended=_count_ended(package.rows, as_of))
    rows = package.rows
    roster = Roster(
        *(rows["orgs.csv"], rows["users.csv"], rows.get("roles.csv")),
        *(rows["courses.csv"], rows["classes.csv"], rows["enrollments.csv"]),
    )
    roster.judge_references()
    roster.choose_kinds()
    roster.place_people()
    roster.judge_rosters()
    roster.choose_instructors()
    courses = roster.choose_courses()
    locations = roster.locations(courses)
    for name, read_rows in rows.items():
        reasons = Counter(row.fate for row in read_rows if row.fate)
        result.counts[name] = Counts(len(read_rows), dict(reasons))
        result.errors += [(row.fate, name, row.line) for row in read_rows if row.fate in ERRORS]
    _judge(roster, courses, result)
    _write(roster, courses, locations, target)
    return result


def _count_ended(rows: dict[str, list[Any]], as_of: date) -> Counter[str]:
    last = as_of - timedelta(days=1)
    ended: Counter[str] = Counter()
    for name in ("roles.csv", "enrollments.csv"):
        for row in _live(rows.get(name, [])):
            day = _day(row.endDate)
            if day and day < last:
                ended[name] += 1
    return ended


@cache
def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text[:10], "%Y-%m-%d").date()  # noqa: DTZ007 a day, no time
    except ValueError:
        return None


def _judge(roster: Roster, courses: list[Cells], result: Result) -> None:
    if any(counts.dropped > MAX_DROPPED * counts.read for counts in result.counts.values()):
        raise RefusedError("too-many-dropped")
    students = [row for row in _live(roster.enrollments) if row.role == "student"]
    made = {_roster(row)[0] for row in students if not row.sourcedId}
    if len({row[0] for row in courses}) < len(courses) or any(row.sourcedId in made for row in students):
        raise RefusedError("made-id-clash")
    if not any(user.kind == STUDENT for user in _live(roster.users)):
        raise RefusedError("no-students")


def _write(roster: Roster, courses: list[Cells], locations: list[Cells], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, kind in (("students.csv", STUDENT), ("staff.csv", STAFF)):
            people = [user for user in _live(roster.users) if user.kind == kind]
            width = max((len(user.places) for user in people), default=1)
            more = _numbered("location_id", 2, width)
            _write_file(archive, name, more, (_person(user, width) for user in people))
        _write_file(archive, "courses.csv", [], courses)
        classes = list(_live(roster.classes))
        width = max(3, *(len(taught.instructors) for taught in classes), 3)
        more = _numbered("instructor_id", 4, width)
        _write_file(archive, "classes.csv", more, (_class(taught, width) for taught in classes))
        rosters = (_roster(row) for row in _live(roster.enrollments) if row.role == "student")
        _write_file(archive, "rosters.csv", [], rosters)
        _write_file(archive, "locations.csv", [], locations)


def _write_file(archive: zipfile.ZipFile, name: str, more_columns: list[str], rows: Iterable[Cells]) -> None:
    with archive.open(name, "w") as member, io.TextIOWrapper(member, encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*COLUMNS[name].split(","), *more_columns])
        writer.writerows(rows)


def main(source: str, target: str) -> None:
    """Convert one ZIP."""
    convert(Path(source), Path(target), AS_OF)


if __name__ == "__main__":
    main(*sys.argv[1:])
