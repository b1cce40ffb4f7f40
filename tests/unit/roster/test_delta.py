"""What a delta package does to a full set, and which ones are refused."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from rosterbridge.roster import ConversionOptions, Report, convert, validate, validate_delta
from rosterbridge.roster.delta import FileChanges, apply_delta, condense, is_delta
from rosterbridge.roster.findings import RosterError
from tests.support.rosters import AS_OF, Files, added, asm, oneroster_1_1, oneroster_1_2, replaced, zip_bytes

USERS = str(oneroster_1_1()["users.csv"]).splitlines()[0]
ENROLLMENTS = str(oneroster_1_1()["enrollments.csv"]).splitlines()[0]
NOW, LATER, EARLIER = "2026-10-01T08:00:00Z", "2026-10-02T08:00:00.5Z", "2026-09-30T08:00:00Z"


def user(sourced_id: str, name: str = "Given", status: str = "active", changed: str = NOW) -> str:
    return f"{sourced_id},{status},{changed},true,s1,student,{sourced_id},,{name},Family,,,,,555,,09,secret"


def seat(sourced_id: str, person: str, status: str = "active", changed: str = NOW) -> str:
    return f"{sourced_id},{status},{changed},c1,s1,{person},student,,,"


def delta(*users: str, enrollments: tuple[str, ...] = (), **others: str) -> Files:
    files: Files = {"users.csv": "\n".join([USERS, *users, ""])}
    if enrollments:
        files["enrollments.csv"] = "\n".join([ENROLLMENTS, *enrollments, ""])
    modes = "".join(f"file.{name.removesuffix('.csv')},delta\n" for name in files)
    return {"manifest.csv": f"manifest.version,1.0\noneroster.version,1.1\n{modes}", **files, **others}


def rows(path: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def ids(path: Path, name: str) -> list[str]:
    return [row["sourcedId"] for row in rows(path, name)]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Files], Path]:
    numbers = iter(range(100))

    def write(files: Files) -> Path:
        path = tmp_path / f"{next(numbers)}.zip"
        path.write_bytes(zip_bytes(files))
        return path

    return write


@pytest.fixture
def state(written: Callable[[Files], Path], tmp_path: Path) -> Path:
    condense(written(oneroster_1_1()), tmp_path / "state.zip")
    return tmp_path / "state.zip"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (oneroster_1_1(), False),
        (delta(), True),
        (added(oneroster_1_1(), "manifest.csv", "FILE.Users,DELTA"), True),
        (added(oneroster_1_1(), "manifest.csv", "file.demographics,delta"), False),
        ({"users.csv": f"{USERS}\n{user('p1')}\n"}, True),
        ({"users.csv": f"{USERS}\n{user('p1', changed='')}\n"}, False),
        ({"users.csv": f"{USERS}\n"}, False),
        ({"manifest.csv": "file.users,bulk\n", "users.csv": f"{USERS}\n{user('p1')}\n"}, False),
        (asm(), False),
        ({"readme.txt": "hello"}, False),
        ({"users.csv": b"\xff\xfe\0", "manifest.csv": b"\xff\xfe"}, False),
    ],
)
def test_a_delta_is_told_by_its_manifest_or_by_its_rows(
    written: Callable[[Files], Path], files: Files, *, expected: bool
) -> None:
    assert is_delta(written(files)) is expected


@pytest.mark.parametrize("data", [b"", b"PK", b"no ZIP at all", zip_bytes(oneroster_1_1())[:-30]])
def test_what_cannot_be_read_is_no_delta(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    assert not is_delta(tmp_path / "x.zip")
    assert not is_delta(tmp_path / "nowhere.zip")


def test_active_rows_are_added_or_changed_in_their_place_and_deleted_ones_removed(
    written: Callable[[Files], Path], state: Path, tmp_path: Path
) -> None:
    package = written(
        delta(user("p9"), user(" p2 ", "New"), user("p3", status="tobedeleted"), user("u", status="inactive"))
    )
    counts = apply_delta(state, package, tmp_path / "full.zip")
    assert counts == {"users.csv": FileChanges(added=1, changed=1, removed=1, unknown=1)}
    assert ids(tmp_path / "full.zip", "users.csv") == ["t1", "t2", "p1", "p2", "p3", "g1", "p9"]
    *_, changed, removed, _, _ = rows(tmp_path / "full.zip", "users.csv")
    assert {value for value in removed.values() if value} == {"p3", "tobedeleted"}
    assert (changed["givenName"], changed["email"], changed["grades"], changed["status"]) == ("New", "", "09", "")
    assert ids(tmp_path / "full.zip", "enrollments.csv") == ["e1", "e2", "e3", "e4", "e5", "e6"]


def test_applied_twice_a_delta_changes_nothing(written: Callable[[Files], Path], state: Path, tmp_path: Path) -> None:
    package = written(delta(user("p9"), user("p3", status="tobedeleted"), enrollments=(seat("e9", "p9"),)))
    apply_delta(state, package, tmp_path / "once.zip")
    apply_delta(tmp_path / "once.zip", package, tmp_path / "twice.zip")
    assert (tmp_path / "once.zip").read_bytes() == (tmp_path / "twice.zip").read_bytes()
    assert (tmp_path / "once.zip").read_bytes() != state.read_bytes()


def test_the_order_of_a_package_decides_nothing_but_the_places_of_new_rows(
    written: Callable[[Files], Path], state: Path, tmp_path: Path
) -> None:
    changes = [user("p2", "New"), user("p3", status="tobedeleted"), user("t2", "Other")]
    apply_delta(state, written(delta(*changes)), tmp_path / "one.zip")
    apply_delta(state, written(delta(*reversed(changes))), tmp_path / "other.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_a_bulk_file_of_a_mixed_package_replaces_that_file(
    written: Callable[[Files], Path], state: Path, tmp_path: Path
) -> None:
    files = delta(user("p3", status="tobedeleted"))
    files["manifest.csv"] = str(files["manifest.csv"]) + "file.enrollments,bulk\n"
    files["enrollments.csv"] = f"{ENROLLMENTS}\n{seat('e8', 'p1', '', '')}\n"
    counts = apply_delta(state, written(files), tmp_path / "full.zip")
    assert counts["enrollments.csv"] == FileChanges(added=1, replaced=True)
    assert ids(tmp_path / "full.zip", "enrollments.csv") == ["e8"]
    assert [row["status"] for row in rows(tmp_path / "full.zip", "users.csv")] == ["", "", "", "", "tobedeleted", ""]


@pytest.mark.parametrize("said", ["", "file.enrollments,absent\n"])
def test_a_file_of_which_neither_manifest_nor_rows_say_what_it_is_is_never_taken_for_the_whole(
    written: Callable[[Files], Path], state: Path, tmp_path: Path, said: str
) -> None:
    files = delta(user("p9"))
    files["manifest.csv"] = str(files["manifest.csv"]) + said
    for row, code in ((seat("e9", "p9", changed=""), "delta-row-unclear"), (seat("e9", "p9"), None)):
        package = written({**files, "enrollments.csv": f"{ENROLLMENTS}\n{row}\n"})
        if code:
            assert code_of(state, package, tmp_path / "full.zip") == (code, "enrollments.csv", 2, None)
        else:
            apply_delta(state, package, tmp_path / "full.zip")
            assert ids(tmp_path / "full.zip", "enrollments.csv") == ["e1", "e2", "e3", "e4", "e5", "e6", "e9"]


@pytest.mark.parametrize("profile", ["lenient", "strict"])
def test_enrolments_of_a_removed_user_are_left_out_and_are_no_errors(
    written: Callable[[Files], Path], state: Path, tmp_path: Path, profile: Literal["lenient", "strict"]
) -> None:
    apply_delta(state, written(delta(user("p3", status="tobedeleted"))), tmp_path / "full.zip")
    options = ConversionOptions(profile=profile)
    report = convert(tmp_path / "full.zip", tmp_path / "asm.zip", options, as_of=AS_OF, is_condensed=True)
    assert report.accepted
    assert not report.totals
    assert report.counts["enrollments.csv"].reasons["user-left-out"] == 1
    again = written(delta(user("p3", changed=LATER)))
    assert apply_delta(tmp_path / "full.zip", again, tmp_path / "back.zip")["users.csv"] == FileChanges(added=1)


def test_a_full_set_holds_no_more_than_a_conversion_reads(written: Callable[[Files], Path], tmp_path: Path) -> None:
    files = added(oneroster_1_1(), "users.csv", user("p7", "Hidden", "tobedeleted"))
    condense(written({**files, "demographics.csv": "sourcedId,sex\np1,female\n"}), tmp_path / "state.zip")
    with zipfile.ZipFile(tmp_path / "state.zip") as archive:
        assert "demographics.csv" not in archive.namelist()
        text = archive.read("users.csv").decode()
    assert "secret" not in text
    assert "555" not in text
    assert "Hidden" not in text
    assert "p7,tobedeleted" in text


def code_of(state: Path, package: Path, target: Path) -> tuple[str, str | None, int | None, str | None]:
    with pytest.raises(RosterError) as caught:
        apply_delta(state, package, target)
    error = caught.value
    assert not target.exists()
    return error.code, error.file, error.line, error.column


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (delta(user("p1"), user("p1", "Other")), ("duplicate-id", "users.csv", 3, "sourcedId")),
        (delta(user("p1"), user("p1", status="tobedeleted")), ("duplicate-id", "users.csv", 3, "sourcedId")),
        (delta(user("p1"), user("p2", status="")), ("delta-row-unclear", "users.csv", 3, None)),
        (delta(user("p1", status="gone")), ("delta-row-unclear", "users.csv", 2, None)),
        (delta(user("")), ("delta-row-unclear", "users.csv", 2, None)),
        (delta(user("p1") + ",more"), ("delta-row-unclear", "users.csv", 2, None)),
        (delta(enrollments=(seat("e1", ""),)), ("delta-row-unclear", "enrollments.csv", 2, None)),
        (delta(user("p1", '"Given"x')), ("malformed-quote", "users.csv", 2, None)),
        (replaced(delta(), "users.csv", "status,", ""), ("missing-column", "users.csv", 1, "status")),
        (replaced(delta(), "users.csv", "role,", ""), ("delta-base-differs", None, None, None)),
        (
            delta(
                **{"roles.csv": f"sourcedId,status,dateLastModified,userSourcedId,role\nr1,active,{NOW},p1,student\n"}
            ),
            ("delta-base-differs", None, None, None),
        ),
    ],
)
def test_what_is_unclear_refuses_the_package(
    written: Callable[[Files], Path],
    state: Path,
    tmp_path: Path,
    files: Files,
    expected: tuple[str, str | None, int | None, str | None],
) -> None:
    assert code_of(state, written(files), tmp_path / "full.zip") == expected


def test_a_delta_older_than_what_is_known_is_refused(
    written: Callable[[Files], Path], state: Path, tmp_path: Path
) -> None:
    apply_delta(state, written(delta(user("p9", changed=LATER))), tmp_path / "one.zip")
    older = written(delta(user("p9", "Old", changed=NOW)))
    assert code_of(tmp_path / "one.zip", older, tmp_path / "no.zip")[0] == "delta-base-differs"
    for changed in (LATER, "", "soon", LATER[:10], NOW[:10]):
        files = delta(user("p8", changed=changed))
        apply_delta(tmp_path / "one.zip", written(files), tmp_path / "two.zip")
        assert "p8" in ids(tmp_path / "two.zip", "users.csv")
    assert code_of(tmp_path / "two.zip", older, tmp_path / "no.zip")[0] == "delta-base-differs"


def test_the_dates_of_a_full_package_count_too(written: Callable[[Files], Path], tmp_path: Path) -> None:
    condense(written(replaced(oneroster_1_1(), "users.csv", "p1,,", f"p1,,{NOW}")), tmp_path / "state.zip")
    package = written(delta(user("p9", changed=EARLIER)))
    assert code_of(tmp_path / "state.zip", package, tmp_path / "no.zip")[0] == "delta-base-differs"


def test_people_and_roles_of_1_2_are_changed_by_their_own_files(
    written: Callable[[Files], Path], tmp_path: Path
) -> None:
    condense(written(oneroster_1_2()), tmp_path / "state.zip")
    header = str(oneroster_1_2()["roles.csv"]).splitlines()[0]
    roles = f"{header}\nr3,tobedeleted,{NOW},,,,,,,\nr8,active,{NOW},p1,primary,student,,,s2,\n"
    manifest = "oneroster.version,1.2\nfile.roles,delta\n"
    apply_delta(tmp_path / "state.zip", written({"manifest.csv": manifest, "roles.csv": roles}), tmp_path / "full.zip")
    assert ids(tmp_path / "full.zip", "roles.csv") == ["r1", "r2", "r4", "r5", "r6", "r7", "r8"]
    package = written(delta(user("p9")))  # of 1.1
    assert code_of(tmp_path / "state.zip", package, tmp_path / "no.zip")[0] == "delta-base-differs"


def judged(package: Path, state: Path, target: Path, options: ConversionOptions | None = None) -> Report:
    return validate_delta(package, state, target, options or ConversionOptions(max_dropped=1), as_of=AS_OF)


def test_the_report_tells_what_was_applied_and_what_is_wrong_with_the_whole(
    written: Callable[[Files], Path], state: Path, tmp_path: Path
) -> None:
    package = written(delta(user("p9"), enrollments=(seat("e9", "nobody"),)))
    report = judged(package, state, tmp_path / "full.zip")
    assert report.accepted
    found = [(entry.code, entry.file, entry.line) for entry in report.entries]
    assert found[-3:] == [
        ("delta-applied", "users.csv", None),
        ("delta-applied", "enrollments.csv", None),
        ("unknown-user", "enrollments.csv", 8),
    ]
    assert "1 added, 0 changed, 0 removed. Lines" in report.entries[0].message
    assert report.sent["students.csv"] == 4
    assert convert(tmp_path / "full.zip", tmp_path / "asm.zip", ConversionOptions(max_dropped=1), as_of=AS_OF).accepted


def test_a_refused_delta_is_reported_with_its_own_line(
    written: Callable[[Files], Path], state: Path, tmp_path: Path
) -> None:
    report = judged(written(delta(user("p1"), user("p2", status=""))), state, tmp_path / "full.zip")
    assert report.rejected_by == "delta-row-unclear"
    assert report.summary.startswith("Rejected: users.csv:3: ")
    assert validate(written(delta()), ConversionOptions(), as_of=AS_OF).rejected_by == "delta-without-state"


def test_the_strict_profile_holds_the_delta_itself_to_the_standard(
    written: Callable[[Files], Path], state: Path, tmp_path: Path
) -> None:
    names = (
        "academicSessions categories classes classResources courses courseResources demographics enrollments lineItems"
    )
    modes = {f"file.{name}": "absent" for name in f"{names} orgs resources results".split()}
    values = {"manifest.version": "1.0", "oneroster.version": "1.1", **modes, "file.users": "delta"}
    manifest = "".join(f"{name},{value}\n" for name, value in {"propertyName": "value", **values}.items())
    strict = ConversionOptions(profile="strict")
    good = user("p9", changed="2026-10-01T08:00:00.000Z").replace("555", "")
    for row, code in (
        (good, None),
        (good.replace("2026-10-01T08:00:00.000Z", ""), "empty-required-value"),
        (good.replace("active", "Active"), "unknown-word"),
    ):
        package = written({**delta(row), "manifest.csv": manifest})
        report = judged(package, state, tmp_path / "full.zip", strict)
        assert report.rejected_by == code, report.entries
    (tmp_path / "full.zip").unlink()
    lost = f"{manifest}file.classes,delta\n".replace("file.classes,absent\n", "")
    classes = str(oneroster_1_1()["classes.csv"]).splitlines()[0]
    moved = f"{classes}\nc1,active,2026-10-01T08:00:00.000Z,Algebra,,k1,,scheduled,,nowhere,t1,,,\n"
    package = written({**delta(good), "manifest.csv": lost, "classes.csv": moved})
    report = judged(package, state, tmp_path / "full.zip", strict)
    assert report.rejected_by == "unknown-school", report.entries
    report = judged(written({**delta(good), "manifest.csv": manifest}), state, tmp_path / "full.zip", strict)
    sent = convert(tmp_path / "full.zip", tmp_path / "asm.zip", strict, as_of=AS_OF, is_condensed=True)
    assert sent.sent == report.sent
