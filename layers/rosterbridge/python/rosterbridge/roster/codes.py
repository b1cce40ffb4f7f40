"""Every code that a report may hold, with its message and its mend; ``docs/errors.md`` explains each.

``upload`` errors reject the upload; ``row`` errors drop a row, and reject only when too many rows are dropped or repair
is off (``mapping.md``, Severity).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rosterbridge.roster.report import Severity


@dataclass(frozen=True)
class Code:
    """What a code means: its level, the message (with values filled in) and how to mend it."""

    level: Literal["upload", "row", "warning"]
    message: str
    mend: str

    @property
    def severity(self) -> Severity:
        """Severity as the report says it."""
        return "warning" if self.level == "warning" else "error"


def _upload(message: str, mend: str) -> Code:
    return Code("upload", message, mend)


def _row(message: str, mend: str) -> Code:
    return Code("row", message, mend)


def _warning(message: str, mend: str) -> Code:
    return Code("warning", message, mend)


EXPORT = "Export from your SIS as OneRoster CSV 1.1 or 1.2, or in Apple School Manager's own format."

CODES: dict[str, Code] = {
    # The ZIP
    "not-a-zip": _upload("The file is not a ZIP archive.", "Put the CSV files into one .zip and upload that."),
    "upload-incomplete": _upload("The ZIP archive ends too early: the upload broke off.", "Upload the file again."),
    "archive-damaged": _upload("The ZIP archive is damaged: {why}.", "Make the ZIP again and upload it."),
    "archive-encrypted": _upload("The ZIP archive is protected by a password.", "Make the ZIP without a password."),
    "archive-unsafe": _upload(
        "The ZIP archive is not safe to open: {why}.", "Zip only the CSV files, without folders."
    ),
    "archive-too-large": _upload("The ZIP archive is too large: {why}.", "Zip only the roster's CSV files."),
    "duplicate-file": _upload("The ZIP holds {value} more than once.", "Keep one file of each name."),
    # The format
    "unknown-format": _upload("The ZIP holds no roster files that Rosterbridge knows.", EXPORT),
    "microsoft-sds": _upload("These files are in Microsoft School Data Sync format.", EXPORT),
    "clever": _upload("These files are in Clever format.", EXPORT),
    "mixed-formats": _upload(
        "The ZIP mixes OneRoster files and Apple School Manager files.", "Send the files of one format only."
    ),
    "missing-file": _upload("{file} is missing.", "Export {file} too and add it to the ZIP."),
    "empty-file": _upload("{file} has no rows.", "Check the export: this file must not be empty."),
    "missing-column": _upload("The column {column} is missing.", "Export the column {column}, also where it is empty."),
    "duplicate-column": _upload("The column {column} stands twice in the header.", "Keep one of them."),
    "too-many-columns": _upload("The header has more than {value} columns.", "Export the format's own columns only."),
    "wrong-separator": _upload("The columns are separated by {value}.", "Export with commas between the columns."),
    "not-utf8": _upload("The file is not UTF-8 text{why}.", "Export with the encoding UTF-8."),
    "nul-byte": _upload("The file holds a NUL byte, which no text has.", "Export the file again."),
    "unclosed-quote": _upload(
        "A quotation mark is opened here and never closed.", "Close it; a quotation mark inside a value is doubled."
    ),
    "malformed-quote": _upload(
        "There is text after a closing quotation mark.", 'Put quotation marks inside a value twice, as in "5"" disk".'
    ),
    "value-too-long": _upload(
        "A value is longer than 1 MiB, or a quotation mark is never closed.", "Shorten it, or close the quotation mark."
    ),
    "delta-without-state": _upload(
        "{file} is a delta: it holds changes only, and there is no full roster to apply them to.",
        "Export the full roster (bulk) and upload that.",
    ),
    # What the whole upload adds up to
    "duplicate-id": _upload(
        "The id '{value}' stands in several different rows.",
        "Give each row an id of its own, or remove the wrong rows.",
    ),
    "made-id-clash": _upload(
        "An id that was made for {column} is the same as another one.", "Give courses and enrolments ids of their own."
    ),
    "too-many-dropped": _upload(
        "{dropped} of {read} rows had to be dropped, more than {limit} of the file.",
        "Mend the rows listed in this report; dropping so many would remove people or classes at Apple.",
    ),
    "rows-dropped": _upload(
        "Wrong rows: {dropped}, and this flow does not drop rows.", "Mend the rows listed in this report."
    ),
    "no-students": _upload("No student is left to send.", "Check that users.csv has active users with role student."),
    # A row
    "missing-value": _row("{column} is empty.", "Fill in {column} in your SIS."),
    "surplus-values": _row("The row has more values than the header has columns.", "Quote values that hold a comma."),
    "unknown-school": _row(
        "schoolSourcedId = '{value}' does not reference any sourcedId in orgs.csv.",
        "Export that school, or correct the id.",
    ),
    "unknown-class": _row(
        "classSourcedId = '{value}' does not reference any sourcedId in classes.csv.",
        "Export that class, or remove the enrolment.",
    ),
    "unknown-user": _row(
        "userSourcedId = '{value}' does not reference any sourcedId in users.csv.",
        "Export that user, or remove the row.",
    ),
    "class-dropped": _row("The class of this enrolment was dropped.", "Mend the class that this report names."),
    "user-dropped": _row("The user of this row was dropped.", "Mend the user that this report names."),
    "person-without-location": _row(
        "The person belongs to no school: no org of it is in orgs.csv, and it has no class.",
        "Give the person a school in your SIS.",
    ),
    # Apple's own format
    "wrong-file-name": _upload("The file is named {value}.", "Rename it to {file}: Apple takes exact names only."),
    "files-in-folder": _upload(
        "The files lie in a folder inside the ZIP.", "Zip the six files themselves, not their folder."
    ),
    "wrong-header": _upload(
        "The header is not Apple's: column {column} is not expected here.",
        "Take the header of Apple's template unchanged.",
    ),
    "asm-row-length": _upload(
        "Rows that are shorter or longer than the header: {count}.", "Write every column in every row, also empty ones."
    ),
    "asm-missing-value": _upload("{column} is empty.", "Fill in {column}: Apple requires it."),
    "asm-duplicate-id": _upload("{column} = '{value}' stands more than once.", "Give each row an id of its own."),
    "asm-person-twice": _upload(
        "person_id = '{value}' is also in students.csv.", "A person is either a student or staff: keep one of the rows."
    ),
    "asm-unknown-reference": _upload(
        "{column} = '{value}' does not reference any {key} in {other}.", "Add it to {other}, or correct the id."
    ),
    "asm-password-policy": _upload(
        "password_policy = '{value}' is none of 4, 6, 8.", "Use 4, 6, 8, or leave it blank."
    ),
    # Repairs and things worth a look
    "no-manifest": _warning("manifest.csv is missing.", "Export manifest.csv; the version was told from the headers."),
    "version-differs": _warning(
        "manifest.csv says OneRoster {value}, the files are {found}.", "Correct the version in your SIS's export."
    ),
    "missing-courses": _warning(
        "courses.csv is missing; courses were made from the classes.", "Export courses.csv too."
    ),
    "other-spelling": _warning(
        "Names of this file or its columns that are spelled in another way: {count}.", "Use the standard's names."
    ),
    "short-row": _warning(
        "Rows shorter than the header, read as if the rest were empty: {count}.", "Export all columns."
    ),
    "value-cleaned": _warning(
        "Values with quotation marks, line breaks or surplus space, which Apple does not take, cleaned: {count}.",
        "Nothing needs to be done; clean the values in your SIS to silence this.",
    ),
    "value-respelled": _warning("Values read in another spelling: {count}.", "Use the standard's spelling."),
    "duplicate-row": _warning("Rows that stand above word for word, taken once: {count}.", "Remove the copies."),
    "unknown-role": _warning("Users with a role that OneRoster does not know: {count}.", "Use the standard's roles."),
    "user-without-role": _warning("Users without any role, left out: {count}.", "Give them a role in roles.csv."),
    "student-and-staff": _warning(
        "The person is both student and staff; it is sent as {value}.", "Apple takes a person once: check the roles."
    ),
    "too-many-instructors": _warning(
        "The class has more than 15 instructors; the rest was left out.", "Keep at most 15 teachers in a class."
    ),
    "too-many-locations": _warning(
        "The person has more than 999 schools; the rest was left out.", "Keep at most 999 schools for a person."
    ),
    "unusual-id": _warning(
        "Ids with characters other than letters, digits and hyphens: {count}. Apple's guide does not allow them, though"
        " its server is known to take them.",
        "Nothing needs to be done as long as Apple accepts them; a changed id would make a second account.",
    ),
    "ended-kept": _warning(
        "Roles or enrolments that had ended, used all the same: {count}.",
        "Set the option ended to drop if your SIS keeps old ones.",
    ),
    "no-staff": _warning("No staff is left to send.", "Check that teachers are exported."),
}

# Why a row was left out by a rule: counted, not an error
LEFT_OUT = {
    "inactive": "status is tobedeleted or inactive (rule 4)",
    "blank": "the row is empty",
    "disabled": "enabledUser is false (option disabled_users)",
    "ended": "over or not begun (option ended)",
    "other-term": "another term (option terms)",
    "other-school": "another school (option schools)",
    "other-grade": "another grade (option grades)",
    "same-row-again": "the same row stands above (rule 21)",
    "same-student-again": "the student is in this class already (rule 17)",
    "same-instructor-again": "the teacher is in this class already (rule 15)",
    "other-role": "a role that is never sent, or not as this (rule 9)",
    "user-without-role": "no role, or none that is in play (rules 4, 6)",
    "not-referenced": "nothing that is sent refers to it (rules 13, 16)",
    "class-left-out": "its class was left out",
    "user-left-out": "its user was left out",
    "empty-class": "no student in it (option empty_classes)",
    "instructor-limit": "more than 15 instructors in the class (rule 15)",
}
