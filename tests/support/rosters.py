"""Small packages for tests: a whole OneRoster bundle to change one thing in, and what becomes of it."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rosterbridge.roster import ConversionOptions, Report, convert

AS_OF = date(2026, 10, 1)
Files = dict[str, str | bytes]


def oneroster_1_1() -> Files:
    """Two schools of a district, two classes, a teacher and a co-teacher, three students, a parent."""
    return {
        "manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n",
        "orgs.csv": (
            "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
            "d1,,,District,district,,\n"
            "s1,,,North School,school,,d1\n"
            "s2,,,South School,school,,d1\n"
        ),
        "users.csv": (
            "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
            "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n"
            't1,,,true,"s1",teacher,ada,,Ada,Lind,,T-1,ada@school.example,,555,,,secret\n'
            "t2,,,true,s2,teacher,bo,,Bo,Berg,,T-2,bo@school.example,,,,,\n"
            "p1,,,true,s1,student,cy,,Cy,Holm,Q,P-1,cy@school.example,,,g1,09,\n"
            'p2,,,true,"s1,s2",student,di,,Di,Falk,,P-2,di@school.example,,,,KG,\n'
            "p3,,,true,s2,,ed,,Ed,Ek,,P-3,ed@school.example,,,,10,\n"
            "g1,,,true,s1,parent,fay,,Fay,Holm,,,fay@school.example,,,,,\n"
        ),
        "courses.csv": (
            "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
            "subjectCodes\n"
            "k1,,,,Algebra,ALG,,s1,,\n"
            "k2,,,,Biology,BIO,,d1,,\n"
            "k3,,,,Unused,UNU,,s1,,\n"
        ),
        "classes.csv": (
            "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
            "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n"
            "c1,,,Algebra A,09,k1,ALG-A,scheduled,,s1,term1,,,\n"
            'c2,,,"Biology, B",10,k2,,scheduled,,s2,term2,,,\n'
        ),
        "enrollments.csv": (
            "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,"
            "endDate\n"
            "e1,,,c1,s1,t2,teacher,false,2026-08-15,2027-06-10\n"
            "e2,,,c1,s1,t1,teacher,true,2026-08-15,2027-06-10\n"
            "e3,,,c1,s1,p1,student,,2026-08-15,2027-06-10\n"
            "e4,,,c1,s1,p2,student,,2026-08-15,2027-06-10\n"
            "e5,,,c2,s2,p3,student,,2026-08-15,2027-06-10\n"
            "e6,,,c2,s2,t2,teacher,true,2026-08-15,2027-06-10\n"
        ),
    }


def student(sourced_id: str, orgs: str = "s1", grades: str = "") -> str:
    """Return a row of the users of 1.1."""
    return f'{sourced_id},,,true,"{orgs}",student,{sourced_id},,Given,Family,,,,,,,"{grades}",'


def oneroster_1_2() -> Files:
    """The same school in the columns of 1.2: roles in a file of their own."""
    return {
        **oneroster_1_1(),
        "manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n",
        "users.csv": (
            "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,"
            "email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,"
            "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns\n"
            "t1,,,true,ada,,Ada,Lind,,T-1,ada@school.example,,,,,,,,,,s1,\n"
            "t2,,,true,bo,,Bo,Berg,,T-2,bo@school.example,,,,,,,,,,,\n"
            "p1,,,true,cy,,Cy,Holm,Q,P-1,cy@school.example,,,,09,,,Cyrus,,,s1,\n"
            "p2,,,true,di,,Di,Falk,,P-2,di@school.example,,,,KG,,,,,,,\n"
            "p3,,,true,ed,,Ed,Ek,,P-3,ed@school.example,,,,10,,,,,,,\n"
            "g1,,,true,fay,,Fay,Holm,,,fay@school.example,,,,,,,,,,,\n"
        ),
        "roles.csv": (
            "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
            "userProfileSourcedId\n"
            "r1,,,t1,primary,teacher,,,s1,\n"
            "r2,,,t2,primary,teacher,,,s2,\n"
            "r3,,,p1,primary,student,,,s1,\n"
            "r4,,,p2,secondary,student,,,s2,\n"
            "r5,,,p2,primary,student,,,s1,\n"
            "r6,,,p3,primary,student,,,s2,\n"
            "r7,,,g1,primary,parent,,,s1,\n"
        ),
    }


def asm() -> Files:
    """A clean package in Apple's own format."""
    return {
        "students.csv": (
            "person_id,person_number,first_name,middle_name,last_name,grade_level,email_address,sis_username,"
            "password_policy,location_id,location_id_2\n"
            "p1,,Cy,,Holm,9,,,4,s1,s2\n"
            "p2,,Di,,Falk,KG,,,,s1,\n"
        ),
        "staff.csv": (
            "person_id,person_number,first_name,middle_name,last_name,email_address,sis_username,location_id\n"
            "t1,,Ada,,Lind,,,s1\n"
        ),
        "courses.csv": "course_id,course_number,course_name,location_id\nk1,ALG,Algebra,s1\n",
        "classes.csv": (
            "class_id,class_number,course_id,instructor_id,instructor_id_2,instructor_id_3,location_id\n"
            "c1,A,k1,t1,,,s1\n"
        ),
        "rosters.csv": "roster_id,class_id,student_id\ne1,c1,p1\ne2,c1,p2\n",
        "locations.csv": "location_id,location_name\ns1,North\ns2,South\n",
    }


def zip_bytes(files: Mapping[str, str | bytes]) -> bytes:
    """Return a ZIP of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)  # a fixed time, so that the same files are the same bytes
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


@dataclass(frozen=True)
class Outcome:
    """A report, and the rows of each file that Apple gets, as dicts; ``zip`` is None when the upload was rejected."""

    report: Report
    zip: Path | None

    def rows(self, name: str) -> list[dict[str, str]]:
        assert self.zip is not None, self.report.summary
        with zipfile.ZipFile(self.zip) as archive:
            return list(csv.DictReader(io.StringIO(archive.read(name).decode())))

    def column(self, name: str, column: str) -> list[str]:
        return [row[column] for row in self.rows(name)]

    @property
    def found(self) -> list[tuple[str, str | None, int | None]]:
        """Code, file and line of each entry."""
        return [(entry.code, entry.file, entry.line) for entry in self.report.entries]

    @property
    def places(self) -> list[tuple[str, str | None, int | None, str | None]]:
        """Code, file, line and column of each entry."""
        return [(entry.code, entry.file, entry.line, entry.column) for entry in self.report.entries]

    @property
    def totals(self) -> list[tuple[str, str | None, int]]:
        """Code, file and count of each total."""
        return [(total.code, total.file, total.count) for total in self.report.totals]

    @property
    def sent(self) -> bytes:
        """What Apple gets, byte for byte."""
        assert self.zip is not None, self.report.summary
        return self.zip.read_bytes()


def process(
    folder: Path,
    files: Mapping[str, str | bytes] | bytes,
    options: ConversionOptions | None = None,
    as_of: date = AS_OF,
) -> Outcome:
    """Convert a package as the service does."""
    source, target = folder / "upload.zip", folder / "result.zip"
    source.write_bytes(files if isinstance(files, bytes) else zip_bytes(files))
    target.unlink(missing_ok=True)
    report = convert(source, target, options or ConversionOptions(), as_of=as_of)
    assert target.exists() == report.accepted
    for counts in report.counts.values():
        assert counts.read == counts.sent + counts.left_out + counts.dropped
    return Outcome(report, target if report.accepted else None)


def without_lines(text: str, *starts: str) -> str:
    """Return the text without the lines that start so."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(starts))


def replaced(files: Files, name: str, old: str, new: str) -> Files:
    """Return the files with a text in one of them replaced."""
    text = files[name]
    assert isinstance(text, str)
    assert old in text
    return {**files, name: text.replace(old, new)}


def added(files: Files, name: str, *lines: str) -> Files:
    """Return the files with lines added to one of them."""
    text = files[name]
    assert isinstance(text, str)
    return {**files, name: text + "".join(f"{line}\n" for line in lines)}
