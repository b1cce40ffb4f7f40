"""Whatever a package holds: it is judged without a crash, and what goes to Apple is clean by Apple's own rules."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from rosterbridge.roster import ConversionOptions
from tests.support.examples import examples
from tests.support.rosters import Files, oneroster_1_1, oneroster_1_2, process

ORGS = ["s1", "s2", "d1", "dept"]
USERS = [f"u{number}" for number in range(9)]
CLASSES = ["c1", "c2", "c3"]
COURSES = ["k1", "k2", "k1-s1"]
MANY = [f"e{number}" for number in range(16)]
TEXTS = ["x", "y", "Åse", 'O"Neil', "a,b", " é ", "new\nline"]
DATES = ["", "2026-08-15", "2026-09-29", "2027-06-10", "soon"]
ROLES = ["student", "student", "student", "teacher", "Teacher", "", "parent", "aide", "ext:x"]
OPTIONS = st.builds(
    ConversionOptions,
    disabled_users=st.sampled_from(["keep", "drop"]),
    ended=st.sampled_from(["keep", "keep", "drop"]),
    terms=st.sampled_from([(), (), ("t1",)]),
    schools=st.sampled_from([(), (), ("s1",), ("s2", "d1")]),
    grades=st.sampled_from([(), (), ("9",), ("KG",)]),
    staff_roles=st.sampled_from([("teacher",), ("teacher", "aide"), ("parent",)]),
    empty_classes=st.sampled_from(["keep", "drop"]),
    course_location=st.sampled_from(["split", "district"]),
    max_dropped=st.sampled_from([0.05, 1.0, 1.0]),
)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue()


class Registrar:
    """Writes packages in which a few things are wrong: ids twice or missing, references to nothing, empty values."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 no secret
        self.carelessness = self.random.choice([0, 0.01, 0.05])

    def slips(self) -> bool:
        return self.random.random() < self.carelessness

    def one_of(self, known: Sequence[str]) -> str:
        return self.random.choice(["gone", ""]) if self.slips() else self.random.choice(known)

    def several(self, known: Sequence[str]) -> str:
        return ",".join(self.one_of(known) for _ in range(self.random.randint(1, 3)))

    def file(self, header: str, keys: Sequence[str], **columns: Callable[[], str]) -> str:
        ids = [key for key in keys if not self.slips()] + [self.one_of(keys) for key in keys[:1] if self.slips()]
        rows = [[key, "tobedeleted" if self.slips() else "", *(make() for make in columns.values())] for key in ids]
        assert header.split() == ["sourcedId", "status", *columns]
        return table(header.split(), rows)

    def package(self) -> Files:
        one, text = self.one_of, lambda: self.one_of(TEXTS)
        files: Files = {
            "orgs.csv": self.file(
                "sourcedId status name type", ORGS, name=text, type=lambda: one(["school", "School", "district"])
            ),
            "courses.csv": self.file(
                "sourcedId status title courseCode orgSourcedId",
                COURSES,
                title=text,
                courseCode=text,
                orgSourcedId=lambda: one(ORGS),
            ),
            "classes.csv": self.file(
                "sourcedId status title courseSourcedId schoolSourcedId termSourcedIds",
                CLASSES,
                title=text,
                courseSourcedId=lambda: one(COURSES),
                schoolSourcedId=lambda: one(ORGS),
                termSourcedIds=lambda: self.several(["t1", "t2"]),
            ),
            "enrollments.csv": self.file(
                "sourcedId status classSourcedId userSourcedId role primary beginDate endDate",
                MANY,
                classSourcedId=lambda: one(CLASSES),
                userSourcedId=lambda: one(USERS),
                role=lambda: one(["student", "student", "teacher", "proctor"]),
                primary=lambda: one(["true", "yes", "false"]),
                beginDate=lambda: one(DATES),
                endDate=lambda: one(DATES),
            ),
        }
        return files | (self.people_1_1() if self.random.random() < 0.5 else self.people_1_2())

    def people_1_1(self) -> Files:
        users = self.file(
            "sourcedId status enabledUser orgSourcedIds role givenName familyName grades",
            USERS,
            enabledUser=lambda: self.one_of(["true", "FALSE", "1"]),
            orgSourcedIds=lambda: self.several(ORGS),
            role=lambda: self.one_of(ROLES),
            givenName=lambda: self.one_of(TEXTS),
            familyName=lambda: self.one_of(TEXTS),
            grades=lambda: self.one_of(["09", "KG,1", "10"]),
        )
        return {"users.csv": users, "manifest.csv": oneroster_1_1()["manifest.csv"]}

    def people_1_2(self) -> Files:
        users = self.file(
            "sourcedId status enabledUser primaryOrgSourcedId givenName familyName grades",
            USERS,
            enabledUser=lambda: self.one_of(["true", "FALSE", "1"]),
            primaryOrgSourcedId=lambda: self.one_of([*ORGS, ""]),
            givenName=lambda: self.one_of(TEXTS),
            familyName=lambda: self.one_of(TEXTS),
            grades=lambda: self.one_of(["09", "KG,1", "10"]),
        )
        roles = self.file(
            "sourcedId status userSourcedId roleType role orgSourcedId",
            MANY,
            userSourcedId=lambda: self.one_of(USERS),
            roleType=lambda: self.one_of(["primary", "secondary"]),
            role=lambda: self.one_of(ROLES),
            orgSourcedId=lambda: self.one_of(ORGS),
        )
        return {"users.csv": users, "roles.csv": roles, "manifest.csv": oneroster_1_2()["manifest.csv"]}


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 2**32), options=OPTIONS)
def test_what_goes_to_apple_is_clean(
    tmp_path_factory: pytest.TempPathFactory, seed: int, options: ConversionOptions
) -> None:
    folder = tmp_path_factory.mktemp("package")
    outcome = process(folder, Registrar(seed).package(), options)  # asserts that the counts of each file add up
    event("accepted" if outcome.report.accepted else f"rejected: {outcome.report.codes[-1]}")
    if outcome.zip is None:
        assert outcome.report.summary.startswith("Rejected: ")
        return
    again = process(folder, outcome.zip.read_bytes())
    assert again.report.accepted, again.report.entries
    assert again.report.sent == outcome.report.sent
    assert {total.code for total in again.report.totals} <= {"no-staff", "no-rosters", "same-name-location"}


@settings(max_examples=examples(10), deadline=None)
@given(seed=st.integers(0, 2**32), options=OPTIONS)
def test_the_order_of_columns_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, seed: int, options: ConversionOptions
) -> None:
    folder, shuffled = tmp_path_factory.mktemp("package"), Files()
    files = Registrar(seed).package()
    for name, text in files.items():
        lines = list(csv.reader(io.StringIO(str(text))))
        order = random.Random(seed).sample(range(len(lines[0])), len(lines[0]))  # noqa: S311 no secret
        shuffled[name] = table([lines[0][at] for at in order], [[row[at] for at in order] for row in lines[1:]])
    one = process(folder, files, options)
    expected = one.zip.read_bytes() if one.zip else None
    other = process(folder, shuffled, options)
    assert (other.zip.read_bytes() if other.zip else None) == expected
    assert set(other.report.codes) == set(one.report.codes)
