"""Whatever a package and its deltas hold: a full set converts as the package that it stands for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from benchmarks.generate import write_bundle
from rosterbridge.roster import ConversionOptions, convert
from rosterbridge.roster.delta import apply_delta, condense
from tests.support.examples import examples
from tests.support.rosters import AS_OF, Files, zip_bytes
from tests.unit.roster.test_properties import CLASSES, MANY, OPTIONS, ORGS, TEXTS, USERS, Registrar, table

FILES = {
    "orgs.csv": ("name type", ORGS),
    "users.csv": ("enabledUser orgSourcedIds role givenName familyName grades", [*USERS, "n1", "n2"]),
    "classes.csv": ("title courseSourcedId schoolSourcedId", CLASSES),
    "enrollments.csv": ("classSourcedId userSourcedId role primary", [*MANY, "x1", "x2", "x3"]),
}
REFERRED = ("users.csv", "classes.csv")  # a full package marks what has gone of these: an enrolment may still name it
GONE: list[str] = []  # what a model has of such a row
Model = dict[str, dict[str, list[str]]]


def converted(source: Path, options: ConversionOptions) -> bytes | None:
    target = source.with_suffix(".asm")
    target.unlink(missing_ok=True)
    convert(source, target, options, as_of=AS_OF)
    return target.read_bytes() if target.exists() else None


@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 2**32), options=OPTIONS)
def test_a_condensed_package_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, seed: int, options: ConversionOptions
) -> None:
    source = tmp_path_factory.mktemp("package") / "source.zip"
    source.write_bytes(zip_bytes(Registrar(seed).package()))
    expected = converted(source, options)
    event("accepted" if expected else "rejected")
    if expected is not None:
        condense(source, source.with_name("state.zip"))
        assert converted(source.with_name("state.zip"), options) == expected
        condense(source.with_name("state.zip"), source.with_name("again.zip"))
        assert source.with_name("again.zip").read_bytes() == source.with_name("state.zip").read_bytes()


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("options", [ConversionOptions(), ConversionOptions(id_policy="map", ended="drop")])
def test_a_condensed_district_with_faults_gives_the_same_bytes(
    tmp_path: Path, options: ConversionOptions, *, quoted: bool
) -> None:
    write_bundle(tmp_path / "source.zip", 1000, faults=0.002, quoted=quoted)
    condense(tmp_path / "source.zip", tmp_path / "state.zip")
    expected = converted(tmp_path / "source.zip", options)
    assert expected is not None
    assert converted(tmp_path / "state.zip", options) == expected


class School:
    """Makes rows, and deltas of them, and keeps what is then true in plain dicts."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 no secret
        self.true: Model = {name: {key: self.row(name) for key in self.some(name)} for name in FILES}

    def some(self, name: str) -> list[str]:
        keys = FILES[name][1]
        return [key for key in keys if self.random.random() < 0.8] or keys[:1]

    def row(self, name: str) -> list[str]:
        one = self.random.choice
        words = {
            "type": ["school", "district"],
            "orgSourcedIds": [*ORGS, "s1,s2"],
            "role": ["student", "student", "teacher"],
            "grades": ["09", "KG,1"],
            "enabledUser": ["true", "false"],
            "courseSourcedId": ["k1", ""],
            "schoolSourcedId": ORGS,
            "classSourcedId": CLASSES,
            "userSourcedId": USERS,
            "primary": ["true", "false"],
        }
        return [one(words.get(column, TEXTS)) for column in FILES[name][0].split()]

    def package(self) -> Files:
        """The full package of what is true now."""
        files = {
            name: [[key, *(["", *row] if row else ["tobedeleted", *self.row(name)])] for key, row in rows.items()]
            for name, rows in self.true.items()
        }
        manifest = "oneroster.version,1.1\n"
        return {"manifest.csv": manifest, **{name: self.file(name, rows) for name, rows in files.items()}}

    def delta(self) -> Files:
        """A package of changes, which are true from now on."""
        files: Files = {"manifest.csv": "oneroster.version,1.1\n"}
        for name in self.random.sample(list(FILES), self.random.randint(1, len(FILES))):
            rows = [self.change(name, key) for key in self.random.sample(FILES[name][1], self.random.randint(0, 3))]
            files[name] = self.file(name, rows)
            files["manifest.csv"] = f"{files['manifest.csv']!s}file.{name.removesuffix('.csv')},delta\n"
        return files

    def change(self, name: str, key: str) -> list[str]:
        row = self.row(name)
        if self.random.random() < 0.3:
            if name in REFERRED and key in self.true[name]:
                self.true[name][key] = GONE
            else:
                self.true[name].pop(key, None)
            return [key, self.random.choice(["tobedeleted", "inactive"]), *row]
        self.true[name][key] = row  # a known key keeps its place
        return [key, "active", *row]

    @staticmethod
    def file(name: str, rows: list[list[str]]) -> str:
        return table(["sourcedId", "status", *FILES[name][0].split()], rows)


@settings(max_examples=examples(10), deadline=None)
@given(seed=st.integers(0, 2**32), deltas=st.integers(1, 4), options=OPTIONS)
def test_deltas_lead_to_what_a_full_package_would_have_said(
    tmp_path_factory: pytest.TempPathFactory, seed: int, deltas: int, options: ConversionOptions
) -> None:
    folder, school = tmp_path_factory.mktemp("package"), School(seed)
    state = folder / "state.zip"
    (folder / "full.zip").write_bytes(zip_bytes(school.package()))
    condense(folder / "full.zip", state)
    for number in range(deltas):
        package = folder / f"delta{number}.zip"
        package.write_bytes(zip_bytes(school.delta()))
        apply_delta(state, package, folder / "next.zip")
        apply_delta(folder / "next.zip", package, folder / "again.zip")
        assert (folder / "again.zip").read_bytes() == (folder / "next.zip").read_bytes()
        state = (folder / "next.zip").replace(folder / f"state{number}.zip")
    (folder / "full.zip").write_bytes(zip_bytes(school.package()))
    expected = converted(folder / "full.zip", options)
    event("accepted" if expected else "rejected")
    assert converted(state, options) == expected
