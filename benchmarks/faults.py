"""What goes wrong in exports: references to nothing, empty values, copies, deleted rows, odd spellings."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

NOWHERE = "00000000-0000-4000-a000-000000000000"
# The values that a column gets; an empty one is a missing value
WRONG: dict[str, dict[str, tuple[str, ...]]] = {
    "orgs.csv": {"type": ("School", "department"), "name": ("", "\tNew\nSchool ")},
    "users.csv": {
        "role": ("", "wizard", "ext:coach", "Teacher", "aide", "student"),
        "orgSourcedIds": ("", NOWHERE, f"{NOWHERE},x"),
        "enabledUser": ("YES", "0", "maybe"),
        "givenName": ("", " Zoë\t", 'The "Ace"'),
        "familyName": ("",),
        "grades": ("007", "KG", "09,10", " 00 "),
    },
    "courses.csv": {"orgSourcedId": ("", NOWHERE), "title": ("",), "courseCode": ("",)},
    "classes.csv": {
        "schoolSourcedId": ("", NOWHERE),
        "courseSourcedId": ("", NOWHERE),
        "classCode": ("",),
        "title": ("", 'The "Best"'),
    },
    "enrollments.csv": {
        "sourcedId": ("",),
        "classSourcedId": ("", NOWHERE),
        "userSourcedId": ("", NOWHERE),
        "role": ("", "proctor", "Student", "teacher"),
        "primary": ("Yes", "1", "NO", "perhaps"),
        "endDate": ("", "soon", "2026-09-29", "2026-09-30"),
    },
}
STATUSES = ("tobedeleted", "inactive", "ToBeDeleted", "active")


def with_faults(
    name: str, header: list[str], rows: Iterable[list[str]], share: float, chance: random.Random
) -> Iterator[list[str]]:
    """Yield the rows, of which a share is wrong in one way."""
    wrong, status = WRONG[name], header.index("status")
    for row in rows:
        if chance.random() >= share:
            yield row
            continue
        kind = chance.choice(("value", "value", "value", "copy", "status"))
        if kind == "copy":
            yield row
        elif kind == "status":
            row[status] = chance.choice(STATUSES)
        else:
            column = chance.choice(list(wrong))
            row[header.index(column)] = chance.choice(wrong[column])
        yield row
