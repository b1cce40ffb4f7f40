"""The rosters of the load: one district of size S, to which each upload of a flow adds a few pupils."""

from __future__ import annotations

import csv
import io
import zipfile
from functools import cached_property
from pathlib import Path

from benchmarks.generate import HEADERS, ZIP_TIME

NEW_PUPILS = 3  # in each upload
Row = dict[str, str]


class Rosters:
    """What is uploaded; ``source`` is the ZIP of the district."""

    def __init__(self, source: Path) -> None:
        with zipfile.ZipFile(source) as archive:
            self._files = {name: archive.read(name).decode() for name in archive.namelist()}

    @cached_property
    def _class(self) -> Row:
        return next(csv.DictReader(io.StringIO(self._files["classes.csv"])))

    def zip(self, flow: int, number: int) -> bytes:
        """Return an upload of a flow, counted from 1: the pupils of the one before, and some new ones in a class."""
        pupils = [f"new-{flow}-{place}" for place in range(number * NEW_PUPILS)]
        more = {
            "users.csv": [self._user(pupil) for pupil in pupils],
            "enrollments.csv": [self._enrollment(pupil) for pupil in pupils],
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, text in self._files.items():
                info = zipfile.ZipInfo(name, ZIP_TIME)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, text + _csv(HEADERS[name], more[name]) if name in more else text)
        return buffer.getvalue()

    def _user(self, pupil: str) -> Row:
        return {
            "sourcedId": pupil,
            "enabledUser": "true",
            "orgSourcedIds": self._class["schoolSourcedId"],
            "role": "student",
            "username": pupil,
            "givenName": "Robin",
            "familyName": "Newcomer",
        }

    def _enrollment(self, pupil: str) -> Row:
        return {
            "sourcedId": f"enrollment-{pupil}",
            "classSourcedId": self._class["sourcedId"],
            "schoolSourcedId": self._class["schoolSourcedId"],
            "userSourcedId": pupil,
            "role": "student",
        }


def _csv(header: str, rows: list[Row]) -> str:
    buffer = io.StringIO()
    csv.DictWriter(buffer, header.split(","), restval="", lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()
