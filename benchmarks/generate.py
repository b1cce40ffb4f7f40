"""Writes an invented district as a OneRoster 1.1 ZIP of a chosen size; the same arguments give the same bytes.

``python -m benchmarks.generate M target.zip [--seed 1] [--faults 0.002] [--quoted]``: S has 1,000 pupils, M 50,000,
L 1,000,000 and 6.3 million enrolments; a number is a count of pupils. Rows are streamed, a school at a time.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchmarks.faults import with_faults
from benchmarks.people import MIDDLE, SUBJECTS, family_name, given_name

SIZES = {"S": 1_000, "M": 50_000, "L": 1_000_000}
PUPILS_A_SCHOOL = 500
PERIODS = 6  # a pupil has a class in each
CO_TEACHERS = 0.15  # share of classes
LINE_BREAKS = 0.0005  # share of rows
SEVERAL_SCHOOLS = 0.03  # share of people
FLUSH_CHARACTERS = 2**18
ZIP_TIME = (2026, 9, 1, 0, 0, 0)
HEADERS = {
    "orgs.csv": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "users.csv": (
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
        "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
    ),
    "courses.csv": (
        "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
        "subjectCodes"
    ),
    "classes.csv": (
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
        "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods"
    ),
    "enrollments.csv": (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"
    ),
}
MANIFEST = "propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.1\r\nsource.systemName,Benchmark\r\n"

Row = list[str]


def write_bundle(target: Path, pupils: int, *, seed: int = 1, faults: float = 0, quoted: bool = False) -> None:
    """Write the ZIP; ``faults`` is the share of rows with something wrong, ``quoted`` puts every value in quotes."""
    district = _District(pupils, seed)
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(_member("manifest.csv"), MANIFEST)
        for name, header in HEADERS.items():
            rows: Iterable[Row] = getattr(district, name.removesuffix(".csv"))()
            if faults:
                rows = with_faults(name, header.split(","), rows, faults, _chance(seed, "faults", name))
            _write_member(archive, name, header.split(","), rows, csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _write_member(archive: zipfile.ZipFile, name: str, header: Row, rows: Iterable[Row], quoting: int) -> None:
    with archive.open(_member(name), "w") as member:
        buffer = io.StringIO()
        writer = csv.writer(buffer, quoting=quoting, lineterminator="\r\n")  # type: ignore[arg-type]
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            if buffer.tell() > FLUSH_CHARACTERS:
                member.write(buffer.getvalue().encode())
                buffer.seek(0)
                buffer.truncate()
        member.write(buffer.getvalue().encode())


def _chance(seed: int, *place: object) -> random.Random:
    return random.Random("/".join(map(str, (seed, *place))))  # noqa: S311 invented people, no secret


def _uuid(chance: random.Random) -> str:
    text = chance.randbytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _uuids(chance: random.Random, count: int) -> list[str]:
    return [_uuid(chance) for _ in range(count)]


@dataclass(frozen=True)
class _School:
    """The ids of a school; ``classes`` stand period by period."""

    id: str
    number: int
    pupils: list[str]
    teachers: list[str]
    parents: list[str]
    administrators: list[str]
    courses: list[str]
    classes: list[str]


class _District:
    """The rows of each file. Half of the courses belong to the district, the others to a school each."""

    def __init__(self, pupils: int, seed: int) -> None:
        self._seed = seed
        self._id = _uuid(_chance(seed, "district"))
        count = max(2, round(pupils / PUPILS_A_SCHOOL))
        self._sizes = [pupils * (n + 1) // count - pupils * n // count for n in range(count)]
        self._school_ids = [_uuid(_chance(seed, "school", number)) for number in range(count)]
        chance = _chance(seed, "courses")
        self._courses = [_uuid(chance) for _ in SUBJECTS]
        self._school = lru_cache(maxsize=4)(self._make_school)

    def _make_school(self, number: int) -> _School:
        chance, pupils = _chance(self._seed, "ids", number), self._sizes[number]
        classes = max(PERIODS, round(pupils * 0.252 / PERIODS) * PERIODS)
        return _School(
            id=self._school_ids[number],
            number=number,
            pupils=_uuids(chance, pupils),
            teachers=_uuids(chance, max(2, pupils * 6 // 100)),
            parents=_uuids(chance, pupils * 3 // 100),
            administrators=_uuids(chance, max(1, pupils // 100)),
            courses=_uuids(chance, len(SUBJECTS)),
            classes=_uuids(chance, classes),
        )

    def _schools(self) -> Iterator[_School]:
        return (self._school(number) for number in range(len(self._sizes)))

    def orgs(self) -> Iterator[Row]:
        """Yield the district and its schools."""
        yield [self._id, "", "", "Meadowlark Unified", "district", "1000", ""]
        for number, school in enumerate(self._school_ids):
            comma = ", West" if number % 3 == 0 else ""
            yield [school, "", "", f"École Nº {number + 1}{comma}", "school", str(1001 + number), self._id]

    def users(self) -> Iterator[Row]:
        """Yield the teachers, pupils, parents and administrators of each school."""
        for school in self._schools():
            chance = _chance(self._seed, "users", school.number)
            next_school = self._school_ids[(school.number + 1) % len(self._sizes)]
            groups = {
                "teacher": school.teachers,
                "student": school.pupils,
                "parent": school.parents,
                "administrator": school.administrators,
            }
            for role, ids in groups.items():
                for place, identity in enumerate(ids):
                    several = role != "administrator" and chance.random() < SEVERAL_SCHOOLS
                    orgs = f"{school.id},{next_school}" if several else school.id
                    parent = school.parents[place] if role == "student" and place < len(school.parents) else ""
                    yield _user(chance, identity, role, orgs, parent)

    def courses(self) -> Iterator[Row]:
        """Yield the courses of the district, then those of each school."""
        for number, course in enumerate(self._courses):
            yield _course(course, number, "D", self._id)
        for school in self._schools():
            for number, course in enumerate(school.courses):
                yield _course(course, number, f"S{school.number}", school.id)

    def classes(self) -> Iterator[Row]:
        """Yield the classes of each school."""
        for school in self._schools():
            chance = _chance(self._seed, "classes", school.number)
            for number, identity in enumerate(school.classes):
                yield self._class(chance, school, number, identity)

    def _class(self, chance: random.Random, school: _School, number: int, identity: str) -> Row:
        topic = chance.randrange(len(SUBJECTS))
        subject, grade = SUBJECTS[topic], f"{chance.randint(6, 12):02}"
        course = chance.choice((self._courses, school.courses))[topic]
        separator = "\n" if chance.random() < LINE_BREAKS else ", " if number % 5 == 0 else " "
        title = f"{subject}{separator}group {number + 1}"
        period = number * PERIODS // len(school.classes) + 1
        room = f"Room {chance.randint(1, 80)}"
        code = f"{subject[:3].upper()}-{school.number}-{number + 1}"
        return [
            *(identity, "", "", title, grade, course, code, "scheduled", room, school.id, "session-2027"),
            *(subject, "", str(period)),
        ]

    def enrollments(self) -> Iterator[Row]:
        """Yield for each class its teachers, then its pupils."""
        for school in self._schools():
            chance = _chance(self._seed, "enrollments", school.number)
            seats = _seats(chance, school)
            colleagues = self._school((school.number + 1) % len(self._sizes)).teachers
            for number, identity in enumerate(school.classes):
                teacher = school.teachers[number % len(school.teachers)]
                yield _enrollment(chance, identity, school, teacher, "teacher", "true")
                if chance.random() < CO_TEACHERS:
                    yield _enrollment(chance, identity, school, chance.choice(colleagues), "teacher", "false")
                for pupil in seats[number]:
                    yield _enrollment(chance, identity, school, pupil, "student", "")


def _seats(chance: random.Random, school: _School) -> list[list[str]]:
    """Return the pupils of each class: one class a pupil and period."""
    seats: list[list[str]] = [[] for _ in school.classes]
    rooms = len(school.classes) // PERIODS
    for pupil in school.pupils:
        for period in range(PERIODS):
            seats[period * rooms + int(chance.random() * rooms)].append(pupil)
    return seats


def _user(chance: random.Random, identity: str, role: str, orgs: str, parent: str) -> Row:
    pupil = role == "student"
    number = chance.randrange(100_000, 10_000_000)
    phone = f"555-{number % 10_000:04}"
    if chance.random() < LINE_BREAKS:
        phone = f"{phone}\n555-0100"
    name = f"{role[0]}{number}{identity[:4]}"
    grade = f"{chance.randint(6, 12):02}" if pupil else ""
    password = f"Pw{chance.randrange(10**6)}" if pupil else ""
    return [
        *(identity, "", "", "true" if chance.random() > 1 / 200 else "false", orgs, role, name, f"{{LDAP:{number}}}"),
        *(given_name(chance), family_name(chance), chance.choice(MIDDLE), str(number), f"{name}@meadowlark.example"),
        *("" if pupil else phone, phone, parent, grade, password),
    ]


def _course(identity: str, number: int, prefix: str, org: str) -> Row:
    subject = SUBJECTS[number]
    code = f"{prefix}-{subject[:3].upper()}{number:02}"
    return [identity, "", "", "session-2027", f"{subject} for all, basics", code, "06,07,08", org, subject, ""]


def _enrollment(chance: random.Random, identity: str, school: _School, user: str, role: str, primary: str) -> Row:
    end = "2027-06-10" if chance.random() > 1 / 100 else "2026-09-20"
    return [_uuid(chance), "", "", identity, school.id, user, role, primary, "2026-08-15", end]


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description="Write an invented district as a OneRoster ZIP.")
    parser.add_argument("size", help="S, M, L or a number of pupils")
    parser.add_argument("target", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=float, default=0, help="share of rows with something wrong")
    parser.add_argument("--quoted", action="store_true", help="put every value in quotation marks")
    given = parser.parse_args()
    pupils = SIZES[given.size] if given.size in SIZES else int(given.size)
    write_bundle(given.target, pupils, seed=given.seed, faults=given.faults, quoted=given.quoted)


if __name__ == "__main__":
    main()
