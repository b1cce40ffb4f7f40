"""An invented district as a OneRoster ZIP: always the same rows for the same version and seed."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Version = Literal["1.1", "1.2"]
Row = dict[str, str]

SEED = 1
STUDENTS = 120
TEACHERS = 12
CLASSES_A_SCHOOL = 12
CLASSES_A_STUDENT = 4
ZIP_TIME = (2026, 9, 1, 0, 0, 0)
DISTRICT = "org-district"
YEAR = "session-2027"
SCHOOLS = {"org-north": "Northfield Elementary, West", "org-south": "École du Sud"}
SUBJECTS = ("Mathematics", "English", "Science", "History", "Music", "Art")
GRADES = ("03", "04", "05", "06")
GIVEN = ("Åsa", "Bořek", "Chloé", "Dagný", "Emre", "Fumiko", "Gwen", "Håkon", "Ioana", "João", "Kwame", "Łucja",
         "Mei", "Nuria", "Oisín", "Priya", "Quinn", "Ruža", "Sofía", "Tomáš")  # fmt: skip
FAMILY = ("Abendroth", "Brindlewood", "Çelikkaya", "Dunmarrow", "Ekström", "Fernhollow", "Gärtner", "Hollowell, Jr.",
          "Ibarra", "Jørgensby", "Kettlewick", "Lindqvist", "Møllegård", "Nakashira", "O'Farrow")  # fmt: skip

USERS = {
    "1.1": ("sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
            "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"),
    "1.2": ("sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,"
            "email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,"
            "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns"),
}  # fmt: skip
HEADERS = {
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "courses": (
        "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,"
        "subjects,subjectCodes"
    ),
    "classes": (
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
        "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods"
    ),
    "enrollments": (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"
    ),
    "roles": (
        "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
        "userProfileSourcedId"
    ),
}
ABSENT = {
    "1.1": ("categories", "classResources", "courseResources", "demographics", "lineItems", "resources", "results"),
    "1.2": ("categories", "classResources", "courseResources", "demographics", "lineItemLearningObjectiveIds",
            "lineItems", "lineItemScoreScales", "resources", "resultLearningObjectiveIds", "results",
            "resultScoreScales", "scoreScales", "userProfiles", "userResources"),
}  # fmt: skip


def write_sample(path: Path, *, version: Version = "1.1", seed: int = SEED, students: int = STUDENTS) -> Path:
    """Write the ZIP to ``path`` and return it."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in sample_files(version=version, seed=seed, students=students).items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text.encode())
    return path


def sample_files(*, version: Version = "1.1", seed: int = SEED, students: int = STUDENTS) -> dict[str, str]:
    """Return each file's text by its name."""
    district = _District(random.Random(seed), students)  # noqa: S311 invented people, no secret
    rows: dict[str, list[Row]] = {
        "academicSessions": [_year()],
        "orgs": list(_orgs()),
        "courses": list(_courses()),
        "classes": district.classes,
        "users": district.users,
        "enrollments": list(district.enrollments()),
    }
    if version == "1.2":
        rows["roles"] = [_role(user) for user in district.users]
    headers = {**HEADERS, "users": USERS[version]}
    files = {f"{name}.csv": _csv(headers[name], content) for name, content in sorted(rows.items())}
    return {"manifest.csv": _manifest(version, sorted(rows)), **files}


def _csv(header: str, rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, header.split(","), restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _manifest(version: Version, present: list[str]) -> str:
    files = {**dict.fromkeys(ABSENT[version], "absent"), **dict.fromkeys(present, "bulk")}
    rows = [
        {"propertyName": "manifest.version", "value": "1.0"},
        {"propertyName": "oneroster.version", "value": version},
        *({"propertyName": f"file.{name}", "value": files[name]} for name in sorted(files)),
        {"propertyName": "source.systemName", "value": "Rosterbridge sample"},
        {"propertyName": "source.systemCode", "value": "rosterbridge-sample"},
    ]
    return _csv("propertyName,value", rows)


def _year() -> Row:
    return {
        "sourcedId": YEAR,
        "title": "2026-2027",
        "type": "schoolYear",
        "startDate": "2026-08-15",
        "endDate": "2027-06-10",
        "schoolYear": "2027",
    }


def _orgs() -> Iterator[Row]:
    yield {"sourcedId": DISTRICT, "name": "Meadowlark Unified", "type": "district", "identifier": "1000"}
    for number, (school, name) in enumerate(SCHOOLS.items(), 1001):
        yield {
            "sourcedId": school,
            "name": name,
            "type": "school",
            "identifier": str(number),
            "parentSourcedId": DISTRICT,
        }


def _courses() -> Iterator[Row]:
    for number, subject in enumerate(SUBJECTS, 1):
        yield {
            "sourcedId": f"course-{number:02}",
            "schoolYearSourcedId": YEAR,
            "title": subject,
            "courseCode": f"{subject[:3].upper()}{number:02}",
            "grades": ",".join(GRADES),
            "orgSourcedId": DISTRICT,
            "subjects": subject,
        }


def _role(user: Row) -> Row:
    return {
        "sourcedId": f"role-{user['sourcedId']}",
        "userSourcedId": user["sourcedId"],
        "roleType": "primary",
        "role": user["role"],
        "orgSourcedId": user["orgSourcedIds"],
    }


class _District:
    """Users, classes and who is in which class."""

    def __init__(self, chance: random.Random, students: int) -> None:
        self._chance = chance
        schools = tuple(SCHOOLS)
        self._teachers = [self._user("teacher", number, schools[number % 2]) for number in range(TEACHERS)]
        self._students = [self._user("student", number, schools[number % 2]) for number in range(students)]
        self.users = self._teachers + self._students
        self.classes = [self._class(school, number) for school in schools for number in range(CLASSES_A_SCHOOL)]

    def _user(self, role: str, number: int, school: str) -> Row:
        identity = f"{role}-{number + 1:05}"
        return {
            "sourcedId": identity,
            "enabledUser": "true",
            "orgSourcedIds": school,
            "primaryOrgSourcedId": school,
            "role": role,
            "username": identity,
            "givenName": self._chance.choice(GIVEN),
            "familyName": self._chance.choice(FAMILY),
            "middleName": self._chance.choice(("", "", "M.")),
            "identifier": str(10_000 + number if role == "teacher" else 500_000 + number),
            "email": f"{identity}@meadowlark.example",
            "grades": self._chance.choice(GRADES) if role == "student" else "",
        }

    def _class(self, school: str, number: int) -> Row:
        subject = SUBJECTS[number % len(SUBJECTS)]
        grade = GRADES[number % len(GRADES)]
        return {
            "sourcedId": f"class-{school.removeprefix('org-')}-{number + 1:02}",
            "title": f"{subject}, grade {grade.lstrip('0')}",
            "grades": grade,
            "courseSourcedId": f"course-{number % len(SUBJECTS) + 1:02}",
            "classCode": f"{subject[:3].upper()}-{number + 1:02}",
            "classType": "scheduled",
            "schoolSourcedId": school,
            "termSourcedIds": YEAR,
            "subjects": subject,
        }

    def enrollments(self) -> Iterator[Row]:
        """Yield a primary teacher for each class, a co-teacher for each third, and four classes for each student."""
        numbers = iter(range(1, 1_000_000_000))
        for school in SCHOOLS:
            classes = [row for row in self.classes if row["schoolSourcedId"] == school]
            teachers = [row for row in self._teachers if row["orgSourcedIds"] == school]
            for position, taught in enumerate(classes):
                yield _enrollment(next(numbers), taught, teachers[position % len(teachers)], primary="true")
                if position % 3 == 0:
                    yield _enrollment(next(numbers), taught, teachers[(position + 1) % len(teachers)], primary="false")
            for student in self._students:
                if student["orgSourcedIds"] == school:
                    for taught in self._chance.sample(classes, CLASSES_A_STUDENT):
                        yield _enrollment(next(numbers), taught, student, primary="")


def _enrollment(number: int, taught: Row, user: Row, *, primary: str) -> Row:
    return {
        "sourcedId": f"enrollment-{number:06}",
        "classSourcedId": taught["sourcedId"],
        "schoolSourcedId": taught["schoolSourcedId"],
        "userSourcedId": user["sourcedId"],
        "role": user["role"],
        "primary": primary,
        "beginDate": "2026-08-15",
        "endDate": "2027-06-10",
    }
