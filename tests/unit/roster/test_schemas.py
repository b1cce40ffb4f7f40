"""What we read and write is what the standards' data says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from infra.build import OWN_CODE, source_files
from rosterbridge.roster import schemas
from rosterbridge.roster.formats import ASM, MANIFEST, ONEROSTER, PASSWORD_POLICIES, VOCABULARIES, FileFormat


def versions_of(file: str) -> list[dict[str, schemas.Column]]:
    known = [schemas.oneroster(version).files for version in schemas.VERSIONS]
    return [{column.name: column for column in files[file]} for files in known if file in files]


@pytest.mark.parametrize("fmt", ONEROSTER.values(), ids=ONEROSTER.keys())
def test_each_column_that_is_read_exists_in_the_standard(fmt: FileFormat) -> None:
    assert set(fmt.columns) <= {name for columns in versions_of(fmt.name) for name in columns}
    assert set(fmt.aliases.values()) <= set(fmt.columns)


@pytest.mark.parametrize("fmt", ONEROSTER.values(), ids=ONEROSTER.keys())
def test_nothing_is_needed_that_the_standard_leaves_open(fmt: FileFormat) -> None:
    for columns in versions_of(fmt.name):
        assert all(columns[name].required is True for name in fmt.needed)


def test_the_vocabularies_that_are_read_hold_the_standards_words() -> None:
    for file, fmt in ONEROSTER.items():
        for columns in versions_of(file):
            for name in fmt.columns:
                if name in columns and columns[name].words and name in VOCABULARIES:
                    assert set(columns[name].words) <= set(VOCABULARIES[name])
                elif name in columns and columns[name].type == "Boolean":
                    assert set(VOCABULARIES[name].values()) == {"true", "false"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ASM)
def test_apples_files_are_written_as_its_guide_says(name: str) -> None:
    written, known = ASM[name], schemas.asm()[name]
    assert list(schemas.asm()) == list(ASM)
    assert written.columns == tuple(column.name for column in known.columns)
    assert written.required == tuple(column.name for column in known.columns if column.required)
    assert written.key == known.key
    references = {column.name: column.references for column in known.columns if column.references}
    unnumbered = {column: file for column, file in references.items() if column.rpartition("_")[0] not in references}
    assert written.references == unnumbered
    expected = {"column": written.repeated, "from": written.repeats_from, "to": written.repeats_to}
    assert known.repeated == (expected if written.repeated else {})


def test_the_password_policies_are_apples() -> None:
    column = next(column for column in schemas.asm()["students.csv"].columns if column.name == "password_policy")
    assert column.words == PASSWORD_POLICIES


def test_1_1_has_14_files_and_1_2_has_22() -> None:
    assert [len(schemas.oneroster(version).files) for version in schemas.VERSIONS] == [14, 22]


@pytest.mark.parametrize("version", schemas.VERSIONS)
def test_references_and_the_manifest_name_files_of_the_version(version: schemas.Version) -> None:
    schema = schemas.oneroster(version)
    assert {item.file for item in schema.manifest if item.file} == schema.files.keys() - {MANIFEST}
    assert {column.references for columns in schema.files.values() for column in columns} - {
        None
    } <= schema.files.keys()
    assert {*schema.rostering, *schema.apple} <= schema.files.keys()


def test_users_of_1_2_0_had_one_column_more() -> None:
    (earlier,) = schemas.variants("users.csv")
    names = [column.name for column in earlier]
    assert names[names.index("userMasterIdentifier") + 1] == "resourceSourcedIds"
    names.remove("resourceSourcedIds")
    assert names == [column.name for column in schemas.oneroster("1.2").files["users.csv"]]


def test_a_conversion_waits_for_the_data_only_where_it_needs_it() -> None:
    script = (
        "from pathlib import Path; import sys\n"
        "from datetime import date\n"
        "from tests.support.rosters import oneroster_1_2, process\n"
        "from rosterbridge.roster import schemas\n"
        "import tempfile\n"
        "process(Path(tempfile.mkdtemp()), oneroster_1_2())\n"
        "assert schemas._data.cache_info().currsize == 0\n"
        "assert 'rosterbridge.roster.strict' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_data_goes_into_the_layer() -> None:
    names = {path.name for path in source_files(OWN_CODE)}
    assert {"oneroster_schema.json", "asm_schema.json"} <= names
