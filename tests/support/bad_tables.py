"""ZIPs that are whole and safe, and hold no roster that may be sent."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.support.rosters import (
    Files,
    added,
    asm,
    oneroster_1_1,
    oneroster_1_2,
    replaced,
    student,
    without_lines,
    zip_bytes,
)

Case = tuple[str, str, bytes]  # name, the code with which it ends, the upload
BASE = oneroster_1_1()
ORGS, ROSTER = str(BASE["orgs.csv"]), str(BASE["enrollments.csv"])
USERS, CLASSES = str(BASE["users.csv"]), str(BASE["classes.csv"])
MB = 10**6


def _with(name: str, content: str | bytes) -> bytes:
    return zip_bytes({**BASE, name: content})


def _changed(name: str, old: str, new: str, base: Files = BASE) -> bytes:
    return zip_bytes(replaced(base, name, old, new))


def _without(*names: str, base: Files = BASE) -> bytes:
    return zip_bytes({name: text for name, text in base.items() if name not in names})


def encodings() -> Iterator[Case]:
    """Yield files that are no UTF-8 text."""
    code, accented = "not-utf8", USERS.replace("Falk", "Fälk")
    for name in ("utf-16", "utf-32", "cp1252", "mac-roman", "cp850"):
        yield f"written-in-{name}", code, _with("users.csv", accented.encode(name))
    for name, word in {
        "shift-jis": "名簿",
        "gb18030": "北京",
        "koi8-r": "Школа",
        "cp1255": "בית",
        "big5": "學校",
    }.items():
        yield f"written-in-{name}", code, _with("orgs.csv", ORGS.replace("South", word).encode(name))
    yield "utf-16-of-the-other-order", code, _with("orgs.csv", b"\xfe\xff" + ORGS.encode("utf-16-be"))
    yield "a-letter-cut-in-two", code, _with("classes.csv", CLASSES.encode() + b"c3,,,caf\xc3")
    yield "an-overlong-letter", code, _with("orgs.csv", ORGS.encode().replace(b"South", b"\xc0\xb3outh"))
    yield "half-a-surrogate", code, _with("orgs.csv", ORGS.encode().replace(b"South", b"\xed\xa0\x80"))
    yield "a-picture-named-like-a-file", code, _with("classes.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    yield "a-nul-in-a-value", "nul-byte", _with("orgs.csv", ORGS.replace("South", "So\0uth"))
    yield "filled-up-with-nuls", "nul-byte", _with("users.csv", USERS + "\0" * 4096)


def quotes_and_lines() -> Iterator[Case]:
    """Yield files whose quotation marks, line ends or lengths are wrong."""
    long = random.Random(1).randbytes(5 * MB).hex()  # noqa: S311 no secret
    yield "a-quote-never-closed", "unclosed-quote", _changed("users.csv", "Falk", '"Falk')
    yield "a-quote-open-in-the-last-row", "unclosed-quote", _with("orgs.csv", ORGS + 's3,,,"Last,school,,d1')
    yield "text-behind-a-quote", "malformed-quote", _changed("orgs.csv", "North School", '"North" School')
    yield "only-carriage-returns", "lone-carriage-return", _with("users.csv", USERS.replace("\n", "\r"))
    yield "a-value-of-ten-megabytes", "value-too-long", _with("orgs.csv", f'{ORGS}s3,,,"{long}",school,,\n')
    yield "a-line-of-ten-megabytes", "value-too-long", _with("classes.csv", f"{CLASSES}c3,,,{long},,,,,,,,,,\n")
    yield "a-header-of-ten-megabytes", "value-too-long", _with("users.csv", f'"{long}')
    yield (
        "rows-longer-than-the-header",
        "too-many-dropped",
        _with("enrollments.csv", ROSTER.replace("-10\n", "-10,x,y\n")),
    )


def headers() -> Iterator[Case]:
    """Yield files whose first line is not what it should be."""
    code = "missing-column"
    needed = {
        "orgs.csv": ("sourcedId",),
        "users.csv": ("sourcedId", "givenName", "familyName"),
        "classes.csv": ("schoolSourcedId",),
        "enrollments.csv": ("classSourcedId", "userSourcedId", "role"),
    }
    for name, columns in needed.items():
        for column in columns:
            yield f"no-{column}-in-{name}", code, _with(name, str(BASE[name]).replace(column, "other", 1))
    yield "no-header-at-all", code, _with("orgs.csv", "".join(ORGS.splitlines(keepends=True)[1:]))
    yield "a-title-above-the-header", code, _with("users.csv", "Export of 2026-10-01\n" + USERS)
    yield "a-line-for-excel-above-the-header", code, _with("orgs.csv", "sep=,\n" + ORGS)
    yield "a-translated-header", code, _with("classes.csv", "Kennung,Status,Titel,Schule\nc1,,Algebra,s1\n")
    yield "a-header-with-a-foreign-letter", code, _with("orgs.csv", ORGS.replace("sourcedId", "ѕourcedId", 1))
    yield "files-that-changed-places", code, zip_bytes({**BASE, "users.csv": ORGS, "orgs.csv": USERS})
    yield "a-web-page-named-like-a-file", code, _with("users.csv", "<!DOCTYPE html>\n<html>Sign in</html>\n")
    yield "json-named-like-a-file", code, _with("enrollments.csv", '{"enrollments": []}\n')
    yield "semicolons", "wrong-separator", _with("orgs.csv", ORGS.replace(",", ";"))
    yield "tabs", "wrong-separator", _with("classes.csv", CLASSES.replace(",", "\t"))
    yield "bars", "wrong-separator", _with("enrollments.csv", ROSTER.replace(",", "|"))
    yield "a-column-twice", "duplicate-column", _with("orgs.csv", ORGS.replace("type", "Name", 1))
    wide = ",".join(f"x{number}" for number in range(1200))
    yield "too-many-columns", "too-many-columns", _with("users.csv", USERS.replace("password", f"password,{wide}", 1))


def formats() -> Iterator[Case]:
    """Yield packages of other formats, of two formats, or not of all that belongs to one."""
    for name in ("orgs.csv", "users.csv", "classes.csv", "enrollments.csv"):
        yield f"without-{name}", "missing-file", _without(name)
    for name in ("orgs.csv", "users.csv", "classes.csv", "enrollments.csv"):
        yield f"{name}-without-a-byte", "empty-file", _with(name, "")
    sds = "microsoft-sds"
    yield "school-data-sync-1", sds, zip_bytes({"School.csv": "SIS ID\n", "Section.csv": "SIS ID\n"})
    yield "school-data-sync-2", sds, zip_bytes({"classes.csv": "sourcedId,orgSourcedId\n", "orgs.csv": "sourcedId\n"})
    yield "school-data-sync-2.1", sds, zip_bytes({**oneroster_1_2(), "userFlags.csv": "userSourcedId,flag\n"})
    clever = {"students.csv": "School_id,Student_id\n"}
    yield "clever-by-its-files", "clever", zip_bytes({**clever, "sections.csv": "School_id,Section_id\n"})
    yield "clever-by-its-columns", "clever", zip_bytes({**clever, "enrollments.csv": "School_id,Section_id\n"})
    yield "both-formats", "mixed-formats", zip_bytes({**BASE, "students.csv": "person_id\n"})
    yield "a-manifest-over-apples-files", "mixed-formats", zip_bytes({**asm(), "manifest.csv": "propertyName,value\n"})
    delta = added(BASE, "manifest.csv", "file.users,delta", "file.orgs,bulk")
    yield "changes-without-a-roster", "delta-without-state", zip_bytes(delta)


def rows() -> Iterator[Case]:
    """Yield OneRoster packages whose rows cannot be sent."""
    twice = {
        "orgs.csv": "s1,,,Another School,school,,d1",
        "users.csv": student("p1", "s2"),
        "classes.csv": "c1,,,Another,10,k2,,scheduled,,s2,term2,,,",
        "courses.csv": "k1,,,,Another,ALG,,s2,,",
    }
    for name, row in twice.items():
        yield f"two-{name}-rows-of-one-id", "duplicate-id", zip_bytes(added(BASE, name, row))
    limit = "too-many-dropped"
    yield "classes-of-no-school", limit, _with("classes.csv", CLASSES.replace(",s1,", ",s8,").replace(",s2,", ",s9,"))
    yield "enrolments-in-no-class", limit, _with("enrollments.csv", ROSTER.replace(",c1,", ",c9,"))
    yield (
        "enrolments-of-nobody",
        limit,
        _with("enrollments.csv", ROSTER.replace(",p1,", ",x1,").replace(",p2,", ",x2,")),
    )
    yield "users-without-names", limit, _with("users.csv", USERS.replace(",Cy,", ",,").replace(",Di,", ",,"))
    yield "users-without-ids", limit, _with("users.csv", USERS.replace("p1,,", ",,").replace("p2,,", ",,"))
    yield "schools-without-ids", limit, _changed("orgs.csv", "s2,,", ",,")
    yield "rows-cut-in-the-middle", limit, _with("enrollments.csv", ROSTER.replace(",p1,student,,", "\n"))
    none = "no-students"
    yield (
        "teachers-only",
        none,
        zip_bytes(
            {
                **BASE,
                "users.csv": without_lines(USERS, "p"),
                "enrollments.csv": without_lines(ROSTER, "e3", "e4", "e5"),
            }
        ),
    )
    yield "everybody-deleted", none, _with("users.csv", USERS.replace(",,,true", ",tobedeleted,,true"))
    yield (
        "nothing-but-headers",
        "empty-file",
        zip_bytes({name: text.splitlines()[0] + "\n" for name, text in _texts(BASE)}),
    )
    yield (
        "roles-that-nobody-knows",
        none,
        _with("users.csv", USERS.replace(",student,", ",pupil,").replace(",,ed,", ",pupil,ed,")),
    )


def _texts(files: Files) -> list[tuple[str, str]]:
    return [(name, str(text)) for name, text in files.items()]


def apples() -> Iterator[Case]:
    """Yield packages in Apple's own format that Apple would refuse."""
    base = asm()
    changes = {
        "no-first-name": ("asm-missing-value", "students.csv", "Cy,,Holm", ",,Holm"),
        "a-location-without-a-name": ("asm-missing-value", "locations.csv", "s2,South", "s2,"),
        "two-students-of-one-id": ("asm-duplicate-id", "students.csv", "\np2", "\np1"),
        "two-rosters-of-one-id": ("asm-duplicate-id", "rosters.csv", "e2,", "e1,"),
        "a-policy-of-five": ("asm-password-policy", "students.csv", "4,s1,s2", "5,s1,s2"),
        "a-student-of-no-location": ("asm-unknown-reference", "students.csv", "s1,s2", "s1,s9"),
        "a-class-of-no-course": ("asm-unknown-reference", "classes.csv", "A,k1", "A,k9"),
        "a-class-of-no-instructor": ("asm-unknown-reference", "classes.csv", "k1,t1", "k1,t9"),
        "a-roster-of-no-class": ("asm-unknown-reference", "rosters.csv", "e2,c1", "e2,c9"),
        "a-roster-of-no-student": ("asm-unknown-reference", "rosters.csv", "c1,p2", "c1,p9"),
        "a-person-on-both-sides": ("asm-person-twice", "staff.csv", "Lind,,,s1", "Lind,,,s1\np1,,Cy,,Holm,,,s1"),
        "a-row-too-short": ("asm-row-length", "students.csv", "KG,,,,s1,", "KG,,,,s1"),
        "a-row-too-long": ("asm-row-length", "rosters.csv", "e2,c1,p2", "e2,c1,p2,x"),
        "a-column-in-capitals": ("wrong-header", "students.csv", "first_name", "First_Name"),
        "a-column-too-many": ("wrong-header", "students.csv", "location_id_2", "location_id_1000"),
    }
    for name, (code, file, old, new) in changes.items():
        yield name, code, _changed(file, old, new, base)
    for file in ("locations.csv", "rosters.csv"):
        yield f"apples-files-without-{file}", "missing-file", _without(file, base=base)
    yield (
        "a-file-name-in-capitals",
        "wrong-file-name",
        zip_bytes({n.replace("staff", "Staff"): t for n, t in base.items()}),
    )
    yield "apples-files-in-a-folder", "files-in-folder", zip_bytes({f"upload/{n}": t for n, t in base.items()})
    empty = {
        "students.csv": str(base["students.csv"]).splitlines()[0] + "\n",
        "rosters.csv": "roster_id,class_id,student_id\n",
    }
    yield "apples-files-without-students", "no-students", zip_bytes({**base, **empty})
    yield "apples-file-without-a-byte", "empty-file", zip_bytes({**base, "courses.csv": ""})
    yield (
        "apples-file-in-cp1252",
        "not-utf8",
        zip_bytes({**base, "staff.csv": str(base["staff.csv"]).replace("Lind", "Lünd").encode("cp1252")}),
    )
    yield "apples-quote-escaped-and-open", "unclosed-quote", _changed("locations.csv", "South", '"South\\"', base)
