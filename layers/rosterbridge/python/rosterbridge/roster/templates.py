"""Files with headers only, to be filled by hand or compared with an export: Apple's six, or a version of OneRoster."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Literal, cast

from rosterbridge.roster import schemas
from rosterbridge.roster.formats import MANIFEST, SESSIONS

TemplateName = Literal["asm", "oneroster-1.1", "oneroster-1.2"]


def template_files(name: TemplateName, *, every: bool = False) -> dict[str, str]:
    """Return the text of each file of a template; of OneRoster only what Apple asks for, or ``every`` file."""
    # classes refer to the sessions, though Apple does not ask for them
    if name == "asm":
        return {file: _csv([column.name for column in known.columns]) for file, known in schemas.asm().items()}
    schema = schemas.oneroster(cast("schemas.Version", name.removeprefix("oneroster-")))
    chosen = [file for file in schema.files if file != MANIFEST and (every or file in (*schema.apple, SESSIONS))]
    headers = {file: _csv([column.name for column in schema.files[file]]) for file in chosen}
    return {MANIFEST: _manifest(schema, chosen), **headers}


def _manifest(schema: schemas.Schema, present: Iterable[str]) -> str:
    """Return the manifest of a package that holds these files in full."""
    rows = [
        (known.name, known.words[0] if known.file is None else "bulk" if known.file in present else "absent")
        for known in schema.manifest
        if known.required
    ]
    return _csv([column.name for column in schema.files[MANIFEST]], *rows)


def _csv(*rows: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
