"""Every code that a report may hold, with its message and its mend; ``docs/errors.md`` explains each.

``upload`` errors reject the upload; ``row`` errors drop a row, and reject only when too many rows are dropped or repair
is off; what is at level ``ignore`` is not reported (``mapping.md``, Severity). A profile is a column of this catalogue:
``lenient`` is the level as it stands, ``strict`` the one given beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["upload", "row", "warning", "ignore"]
Severity = Literal["ignore", "warning", "error"]


@dataclass(frozen=True)
class Code:
    """What a code means: its level in either profile, the message (with values filled in) and how to mend it."""

    level: Level
    message: str
    mend: str
    strict: Level

    @property
    def adjustable(self) -> bool:
        """Whether a flow may give it another severity: what makes an upload unusable stays an error."""
        return self.level != "upload"

    def at(self, severity: Severity) -> Level:
        """Return the level that a flow's severity means: only an error of a row can spare the rest of the upload."""
        if severity == "error":
            return "row" if self.level == "row" else "upload"
        return severity


def _upload(message: str, mend: str) -> Code:
    return Code("upload", message, mend, "upload")


def _row(message: str, mend: str, strict: Level = "row") -> Code:
    return Code("row", message, mend, strict)


def _warning(message: str, mend: str, strict: Level = "warning") -> Code:
    return Code("warning", message, mend, strict)


def _silent(message: str, mend: str, strict: Level = "ignore") -> Code:
    return Code("ignore", message, mend, strict)


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
    "microsoft-sds": _upload("These files are in Microsoft School Data Sync format{why}.", EXPORT),
    "clever": _upload("These files are in Clever's own format.", EXPORT),
    "mixed-formats": _upload(
        "The ZIP mixes OneRoster files and Apple School Manager files{why}.",
        "Send either OneRoster's files or Apple's six, not both.",
    ),
    "missing-file": _upload("{file} is missing.", "Export {file} too and add it to the ZIP."),
    "empty-file": _upload("{file} has no rows.", "Check the export: this file must not be empty."),
    "missing-column": _upload(
        "The column {column} is missing{why}.", "Export the column {column}, also where it is empty."
    ),
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
    "lone-carriage-return": _upload(
        "The lines end with a carriage return alone, as on very old Macs.",
        "Export with line feeds (Unix) or both (Windows) at the ends of the lines.",
    ),
    "value-too-long": _upload(
        "A value is longer than 1 MiB, or a quotation mark is never closed.", "Shorten it, or close the quotation mark."
    ),
    "delta-without-state": _upload(
        "{file} is a delta: it holds changes only, and there is no full roster to apply them to.",
        "Export the full roster (bulk) and upload that; the flow that has accepted it takes deltas afterwards.",
    ),
    "delta-base-differs": _upload(
        "These changes do not fit the full roster that this flow has: {why}.",
        "Upload a full roster (bulk), and after it the deltas in their order.",
    ),
    "delta-row-unclear": _upload(
        "A row of a package with changes has {why}, so that what changes cannot be told for sure.",
        "Correct the row, or upload a full roster (bulk).",
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
    "surplus-values": _row(
        "The row has more values than the header has columns.", "Quote values that hold a comma.", strict="upload"
    ),
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
        "The header is not Apple's: column {value} is not expected here.",
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
    # Repairs of Apple's own format
    "instructor-emptied": _warning(
        "{column} = '{value}' does not reference any {key} in {other}; it was emptied.",
        "Add the instructor to {other}, or remove the id.",
    ),
    "roster-dropped": _warning(
        "{column} = '{value}' does not reference any {key} in {other}; the row was dropped.",
        "Add it to {other}, or remove the row.",
    ),
    # Repairs and things worth a look
    "no-manifest": _warning(
        "manifest.csv is missing.", "Export manifest.csv; the version was told from the headers.", strict="upload"
    ),
    "version-differs": _warning(
        "manifest.csv says OneRoster {value}, the files are {found}.",
        "Correct the version in your SIS's export.",
        strict="upload",
    ),
    "manifest-version": _warning(
        "manifest.version is not 1.0.", "Nothing needs to be done: a spreadsheet may have changed it.", strict="upload"
    ),
    "manifest-differs": _warning(
        "manifest.csv says {value} of {file}, which is not so.",
        "Correct the manifest in your SIS's export.",
        strict="upload",
    ),
    "missing-courses": _warning(
        "courses.csv is missing; courses were made from the classes.", "Export courses.csv too.", strict="upload"
    ),
    "other-spelling": _warning(
        "Names of this file or its columns that are spelled in another way: {count}.",
        "Use the standard's names.",
        strict="upload",
    ),
    "unknown-file": _warning(
        "{value} is no file of this format; it was not opened.", "Leave it out of the ZIP.", strict="upload"
    ),
    "empty-optional-file": _warning(
        "{file} is empty; it was passed over.", "Export it with its rows, or leave it out.", strict="upload"
    ),
    "column-guessed": _warning(
        "The column {column} is missing; {value} was read for it, which looks like a misspelling.",
        "Rename the column to {column}.",
        strict="upload",
    ),
    "status-in-bulk": _warning(
        "Rows with a status or a date of change, though the file is no delta: {count}.",
        "Leave status and dateLastModified empty in a full export.",
        strict="upload",
    ),
    "delta-applied": _warning(
        "The changes of {file} were made in the full roster that this flow has: {why}. Lines named after this one are"
        " counted in that whole roster.",
        "Nothing needs to be done.",
    ),
    "short-row": _warning(
        "Rows shorter than the header, read as if the rest were empty: {count}.", "Export all columns.", strict="upload"
    ),
    "value-cleaned": _warning(
        "Values with quotation marks, line breaks or surplus space, which Apple does not take, cleaned: {count}.",
        "Nothing needs to be done; clean the values in your SIS to silence this.",
    ),
    "null-word": _warning(
        "Values that read NULL, null, N/A or -, taken as empty: {count}.", "Export nothing where there is nothing."
    ),
    "unclear-date": _warning(
        "Dates that cannot be read for sure, passed over: {count}.", "Export dates as YYYY-MM-DD.", strict="upload"
    ),
    "value-respelled": _warning(
        "Values read in another spelling: {count}.", "Use the standard's spelling.", strict="upload"
    ),
    "duplicate-row": _warning(
        "Rows that stand above word for word, taken once: {count}.", "Remove the copies.", strict="upload"
    ),
    "unknown-role": _warning(
        "Roles that OneRoster does not know there: {count}.", "Use the standard's roles.", strict="upload"
    ),
    "user-without-role": _warning("Users without any role, left out: {count}.", "Give them a role in roles.csv."),
    "role-conflict": _warning(
        "Users whose role in users.csv is none of theirs in roles.csv, which counts: {count}.",
        "Export roles in roles.csv only.",
    ),
    "several-grades": _warning(
        "Students with several grades, of which Apple gets the first: {count}.", "Export the student's own grade first."
    ),
    "several-primary-teachers": _warning(
        "Primary teachers beside the first of their class: {count}.", "Mark one teacher of a class as primary."
    ),
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
    "no-rosters": _warning("No student is in any class.", "Check that the export has enrolments of students."),
    "shared-value": _warning(
        "Values of {column} that stand with several people: {count}.",
        "Give each person a value of its own, and each person one row.",
    ),
    "similar-id": _warning(
        "Values of {column} that differ from another only in upper and lower case or in leading zeros: {count}.",
        "Check that they are different people: a spreadsheet may have changed the id of one.",
    ),
    "same-name-location": _warning(
        "Locations whose name another location has too: {count}.",
        "Check that they are different schools, and name them apart.",
    ),
    "missing-email": _silent(
        "People without {column}: {count}.", "Fill in the e-mail addresses: federated accounts need them."
    ),
    "missing-username": _silent(
        "People without {column}: {count}.", "Fill in the user names if your Managed Apple Accounts are made of them."
    ),
    "blank-value": _silent("Rows without {column}: {count}.", "Fill in {column}: Apple shows it as the class's name."),
    # What only the strict profile judges, or a flow that gives it a severity
    "wrapping-folder": _silent(
        "The files lie in a folder inside the ZIP.", "Zip the files themselves, not their folder.", strict="upload"
    ),
    "manifest-property": _silent(
        "The property {value} is {why}.", "Write manifest.csv as the standard does.", strict="upload"
    ),
    "header-order": _silent(
        "The columns stand in another order: {column} is not expected here.",
        "Export the columns in the standard's order, and metadata after them.",
        strict="upload",
    ),
    "unknown-column": _silent(
        "The standard has no column {value} in this file.",
        "Leave it out, or name it metadata.… and put it last.",
        strict="upload",
    ),
    "missing-optional-column": _silent(
        "The column {column} is missing.", "Export {column} too, also where it is empty.", strict="upload"
    ),
    "empty-required-value": _silent(
        "{column} is empty, though the standard requires it.", "Fill in {column} in your SIS.", strict="upload"
    ),
    "wrong-type": _silent(
        "{column} = '{value}' is not {kind}.", "Correct the value in your SIS or its export.", strict="upload"
    ),
    "unknown-word": _silent(
        "{column} = '{value}' is none of the standard's words.",
        "Use the standard's words, in its spelling.",
        strict="upload",
    ),
    "line-break": _silent("{column} holds a line break.", "Remove the line break in your SIS.", strict="upload"),
    "unresolved-reference": _silent(
        "{column} = '{value}' does not reference any sourcedId in {other}.",
        "Export it in {other}, or correct the id.",
        strict="upload",
    ),
    "repeated-id": _silent(
        "The sourcedId of this row stands above already.", "Give each row an id of its own.", strict="upload"
    ),
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

# What strict.py alone finds; it need not run where a flow ignores all of it
STRICT_ONLY = frozenset(code for code, known in CODES.items() if (known.level, known.strict) == ("ignore", "upload"))
LENIENT: Mapping[str, Level] = {code: known.level for code, known in CODES.items()}


def levels(profile: str, severities: Mapping[str, Severity]) -> Mapping[str, Level]:
    """Return the level of every code for a flow."""
    base = {code: known.strict for code, known in CODES.items()} if profile == "strict" else LENIENT
    return {**base, **{code: CODES[code].at(severity) for code, severity in severities.items()}}


def looks_closer(levels: Mapping[str, Level]) -> bool:
    """Whether a flow wants anything that only strict.py finds."""
    return any(levels[code] != "ignore" for code in STRICT_ONLY)


def check_severities(severities: Mapping[str, Severity]) -> None:
    """Raise ValueError for a code that is unknown, or that no flow may adjust."""
    for code in severities:
        if code not in CODES:
            raise ValueError(f"there is no code {code}")
        if not CODES[code].adjustable:
            raise ValueError(f"{code} makes an upload unusable: its severity is fixed")
