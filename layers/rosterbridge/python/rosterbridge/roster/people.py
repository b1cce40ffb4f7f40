"""Who is sent, as what, and where each person belongs (``mapping.md`` rules 7 to 12)."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster.formats import LOCATION_LIMIT
from rosterbridge.roster.oneroster import VOCABULARIES, OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.sheet import among

KIND = "_kind"  # student or staff
PLACES = "_places"  # a person's locations, in order
STUDENT, STAFF_MEMBER = "student", "staff"
KNOWN_ROLES = sorted(role.lower() for role in VOCABULARIES["role"])


def choose_people(roster: OneRoster, options: ConversionOptions) -> None:
    """Give each user in play its KIND and PLACES, and end the users that are not sent."""
    _name_people(roster, options)
    _choose_kinds(roster, options)
    users = roster.users
    if options.grades:
        wanted = pl.col("grades").str.split(",").list.eval(_plain_grade(pl.element()))
        listed = wanted.list.set_intersection([grade.lstrip("0") or "0" for grade in options.grades]).list.len() > 0
        users.leave_out((pl.col(KIND) == STUDENT) & ~listed, "other-grade")
    for column in ("givenName", "familyName"):
        users.drop(pl.col(column) == "", "missing-value", column=column)
    _place_people(roster, options)


def _name_people(roster: OneRoster, options: ConversionOptions) -> None:
    """Use a preferred name where one is filled in, if the flow says so (rule 10)."""
    if options.names == "legal":
        return
    roster.users.rows = roster.users.rows.with_columns(
        pl.when(pl.col(f"preferred{name}") != "")
        .then(pl.col(f"preferred{name}"))
        .otherwise(pl.col(name[0].lower() + name[1:]))
        .alias(name[0].lower() + name[1:])
        for name in ("GivenName", "MiddleName", "FamilyName")
    )


def _choose_kinds(roster: OneRoster, options: ConversionOptions) -> None:
    """Make staff of teachers and instructors, students of students; a user that is both is one of them (rules 8, 9)."""
    users, roles = roster.users, user_roles(roster)
    staff_roles = [role.lower() for role in options.staff_roles]
    teaching = roster.enrollments.live.filter(pl.col("role") == "teacher")["userSourcedId"]
    user = pl.col("sourcedId")
    instructs = user.is_in(among(teaching))
    has_staff_role = user.is_in(among(roles.filter(pl.col("role").is_in(staff_roles))["user"]))
    learns = user.is_in(among(roles.filter(pl.col("role") == "student")["user"]))
    kind = (
        pl.when(instructs | (has_staff_role & ~learns))
        .then(pl.lit(STAFF_MEMBER))
        .when(learns)
        .then(pl.lit(STUDENT))
        .alias(KIND)
    )
    users.rows = users.rows.with_columns(kind, (learns & (instructs | has_staff_role)).alias("_both"))
    for value in (STAFF_MEMBER, STUDENT):
        both = users.live.filter(pl.col("_both") & (pl.col(KIND) == value))
        users.note("student-and-staff", both, value=value)
    unknown = roles.filter(~pl.col("role").is_in(KNOWN_ROLES) & ~pl.col("role").str.starts_with("ext:"))
    users.note_count("unknown-role", unknown["user"].n_unique())
    if roster.roles is not None:
        unlisted = pl.col(KIND).is_null() & ~user.is_in(among(roster.roles.rows["userSourcedId"]))
        users.note_count("user-without-role", users.live.select(unlisted.sum()).item())
    users.leave_out(pl.col(KIND).is_null() & ~user.is_in(among(roles["user"])), "user-without-role")
    users.leave_out(pl.col(KIND).is_null(), "other-role")


def user_roles(roster: OneRoster) -> pl.DataFrame:
    """Return (user, role) for every role in play; a blank role is student, as Apple reads it (rule 8)."""
    if roster.roles is None:
        roles = roster.users.live.select(user="sourcedId", role="role")
    else:
        roles = roster.roles.live.select(user="userSourcedId", role="role")
    return roles.with_columns(pl.col("role").replace("", "student"))


def _place_people(roster: OneRoster, options: ConversionOptions) -> None:
    """Find each person's locations: its own orgs, then the schools of its classes; else any own org (rule 12)."""
    users, own = roster.users, _own_orgs(roster)
    in_scope = own.filter(pl.col("org").is_in(list(options.schools))) if options.schools else own
    taught = _schools_of_classes(roster)
    is_location = pl.col("org").is_in(among(school_ids(roster)))
    places = pl.concat([in_scope.filter(is_location), taught]).unique(maintain_order=True, keep="first")
    homeless = in_scope.filter(~pl.col("user").is_in(among(places["user"])))
    made = homeless.unique("user", maintain_order=True, keep="first")
    listed = pl.concat([places, made]).group_by("user", maintain_order=True).agg(pl.col("org").alias(PLACES))
    users.rows = users.rows.join(listed, left_on="sourcedId", right_on="user", how="left", maintain_order="left")
    nowhere = pl.col(PLACES).is_null()
    users.leave_out(nowhere & pl.col("sourcedId").is_in(among(own["user"])), "other-school")
    users.drop(nowhere, "person-without-location")
    users.note("too-many-locations", users.live.filter(pl.col(PLACES).list.len() > LOCATION_LIMIT))
    users.rows = users.rows.with_columns(pl.col(PLACES).list.head(LOCATION_LIMIT))


def school_ids(roster: OneRoster) -> pl.Series:
    """Return the orgs that are locations by themselves: schools, and the school of a kept class (rule 13)."""
    schools = roster.orgs.live.filter(pl.col("type") == "school")["sourcedId"]
    return pl.concat([schools, roster.classes.ids(column="schoolSourcedId")])


def _own_orgs(roster: OneRoster) -> pl.DataFrame:
    """Return (user, org) in the order of preference, for orgs that exist (rule 12)."""
    users = roster.users.live
    if roster.roles is None:
        orgs = users.select(user="sourcedId", org=pl.col("orgSourcedIds").str.split(",")).explode("org")
        orgs = orgs.with_columns(pl.col("org").str.strip_chars())
    else:
        first = users.select(user="sourcedId", org="primaryOrgSourcedId", rank=pl.lit(0))
        rank = pl.when(pl.col("roleType") == "primary").then(1).otherwise(2)
        then = roster.roles.live.select(user="userSourcedId", org="orgSourcedId", rank=rank)
        orgs = pl.concat([first, then], how="vertical_relaxed").sort("rank", maintain_order=True)
    exists = pl.col("org").is_in(among(roster.orgs.ids()))
    return orgs.filter(exists).select("user", "org").unique(maintain_order=True, keep="first")


def _schools_of_classes(roster: OneRoster) -> pl.DataFrame:
    """Return (user, org) for the classes that a person teaches or attends, in the order of the enrolments."""
    kinds = roster.users.live.select("sourcedId", KIND)
    schools = roster.classes.live.select("sourcedId", org="schoolSourcedId")
    return (
        roster.enrollments.live.select("classSourcedId", "role", user="userSourcedId")
        .join(kinds, left_on="user", right_on="sourcedId", how="inner", maintain_order="left")
        .filter(pl.col("role") == pl.col(KIND).replace(STAFF_MEMBER, "teacher"))
        .join(schools, left_on="classSourcedId", right_on="sourcedId", how="inner", maintain_order="left")
        .select("user", "org")
    )


def grade_level() -> pl.Expr:
    """Return the first grade code of a user, a number without its leading zero (rule 11)."""
    return _plain_grade(pl.col("grades").str.split(",").list.first())


def _plain_grade(code: pl.Expr) -> pl.Expr:
    return code.str.strip_chars().str.replace(r"^0+(\d+)$", "${1}")
