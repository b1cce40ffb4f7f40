"""Who is sent, as what, and where each person belongs (``mapping.md`` rules 7 to 12)."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster.enrollments import CLASS, USER
from rosterbridge.roster.formats import LOCATION_LIMIT, ROLES_1_1, ROLES_1_2
from rosterbridge.roster.links import ROW, Index, flags
from rosterbridge.roster.oneroster import ORG, SCHOOL, OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.queries import run
from rosterbridge.roster.sheet import FATE, LIVE, among

KIND = "_kind"  # student or staff
PLACE, MORE_PLACES = "_place", "_more_places"  # a person's first location, and the further ones: rows of orgs.csv
STUDENT, STAFF_MEMBER = "student", "staff"
KINDS = pl.Enum([STUDENT, STAFF_MEMBER])
PART_ROWS = 262_144
NOWHERE = 2**32 - 1  # no row has this number
GRADES = r"(?:IT|PR|PK|TK|KG|K|0?[1-9]|1[0-3]|PS|UG|Other)"
SPACED_GRADES = rf"^{GRADES}(?: +{GRADES})+$"
TEACHES, ATTENDS = pl.col("role") == "teacher", pl.col("role") == "student"  # of an enrolment


def choose_people(roster: OneRoster, options: ConversionOptions) -> None:
    """Give each user in play its KIND, PLACE and MORE_PLACES, and end the users that are not sent."""
    _name_people(roster, options)
    _choose_kinds(roster, options)
    users = roster.users
    if options.grades:
        wanted = [grade.lstrip("0") or "0" for grade in options.grades]
        listed = grade_codes().list.eval(_plain_grade(pl.element())).list.set_intersection(wanted).list.len() > 0
        users.leave_out((pl.col(KIND) == STUDENT) & ~listed, "other-grade")
    for column in ("givenName", "familyName"):
        users.drop(pl.col(column) == "", "missing-value", column=column)
    _place_people(roster, options)
    lists = _different_grades(users.rows).filter(grade_codes().list.len() > 1)["grades"]
    has_several = LIVE & (pl.col(KIND) == STUDENT) & pl.col("grades").is_in(among(lists))
    users.note_count("several-grades", int(users.rows.select(has_several.sum()).item()), column="grades")


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
    height = users.rows.height
    teaching = run(roster.enrollments.rows.lazy().filter(LIVE & TEACHES).select(USER))[USER]
    staff_roles = [role.lower() for role in options.staff_roles]
    instructs = flags(height, teaching)
    has_staff_role = flags(height, roles.filter(pl.col("role").is_in(staff_roles))[USER])
    learns = flags(height, roles.filter(ATTENDS)[USER])
    kind = (
        pl.when(instructs | (has_staff_role & ~learns))
        .then(pl.lit(STAFF_MEMBER, KINDS))
        .when(learns)
        .then(pl.lit(STUDENT, KINDS))
        .alias(KIND)
    )
    users.rows = users.rows.with_columns(kind)
    both = users.rows.filter(LIVE & pl.lit(learns & (instructs | has_staff_role)))
    for value in (STAFF_MEMBER, STUDENT):
        users.note("student-and-staff", both.filter(pl.col(KIND) == value), value=value)
    _note_roles(roster, roles)
    users.leave_out(pl.col(KIND).is_null() & ~pl.lit(flags(height, roles[USER])), "user-without-role")
    users.leave_out(pl.col(KIND).is_null(), "other-role")


def _note_roles(roster: OneRoster, roles: pl.DataFrame) -> None:
    users = roster.users
    known = [role.lower() for role in (ROLES_1_1 if roster.roles is None else ROLES_1_2)]
    unknown = roles.filter(~pl.col("role").is_in(known) & ~pl.col("role").str.starts_with("ext:"))
    users.note_count("unknown-role", unknown[USER].n_unique())
    if roster.roles is not None:
        listed = flags(users.rows.height, roster.roles.rows[USER])
        unlisted = LIVE & pl.col(KIND).is_null() & ~pl.lit(listed)
        users.note_count("user-without-role", int(users.rows.select(unlisted.sum()).item()))
        claimed = run(users.rows.lazy().filter(LIVE & (pl.col("role") != "")).select(pl.col(ROW).alias(USER), "role"))
        users.note_count("role-conflict", claimed.join(roles, on=[USER, "role"], how="anti").height, column="role")


def user_roles(roster: OneRoster) -> pl.DataFrame:
    """Return (USER, role) for every role in play; a blank role is student, as Apple reads it (rule 8)."""
    if roster.roles is None:
        roles = roster.users.chosen(ROW, "role").rename({ROW: USER})
    else:
        roles = roster.roles.chosen(USER, "role")
    return roles.with_columns(pl.col("role").replace("", "student"))


def _place_people(roster: OneRoster, options: ConversionOptions) -> None:
    """Find each person's locations: its own orgs, then the schools of its classes; else any own org (rule 12)."""
    users, own = roster.users, _own_orgs(roster)
    in_scope = own
    if options.schools:
        in_scope = own.filter(_of_orgs(roster.orgs.rows["sourcedId"].is_in(list(options.schools))))
    locations = _distinct(in_scope.filter(_of_orgs(location_flags(roster))))
    place = _scattered(pl.repeat(None, users.rows.height, dtype=pl.UInt32, eager=True), _firsts(locations))
    more = pl.concat([locations, _schools_of_classes(roster, place)])
    more = more.filter(pl.col(ORG).ne_missing(place[more[USER]])).sort(USER, maintain_order=True)
    more = _distinct(more)
    placeless = more.filter(place[more[USER]].is_null())
    place = _scattered(place, _firsts(placeless))
    place = _scattered(place, _firsts(in_scope.filter(place[in_scope[USER]].is_null())))
    placed = users.rows.drop("orgSourcedIds")
    users.rows = placed.with_columns(place.alias(PLACE), _lists(more, place, placed.height))
    nowhere = pl.col(PLACE).is_null()
    users.leave_out(nowhere & pl.lit(flags(users.rows.height, own[USER])), "other-school")
    users.drop(nowhere, "person-without-location")
    crowded = users.rows.filter(LIVE & (pl.col(MORE_PLACES).list.len() > LOCATION_LIMIT - 1))
    if crowded.height:
        users.note("too-many-locations", crowded)
        users.rows = users.rows.with_columns(pl.col(MORE_PLACES).list.head(LOCATION_LIMIT - 1))


def location_flags(roster: OneRoster) -> pl.Series:
    """Return which orgs are locations by themselves: schools, and the school of a kept class (rule 13)."""
    orgs = roster.orgs.rows
    return orgs.select(LIVE & (pl.col("type") == "school")).to_series() | taught_flags(roster)


def taught_flags(roster: OneRoster) -> pl.Series:
    """Return which orgs are the school of a kept class."""
    return flags(roster.orgs.rows.height, roster.classes.chosen(SCHOOL)[SCHOOL])


def people_flags(roster: OneRoster) -> pl.Series:
    """Return which orgs are a location of a person who is sent."""
    height, users = roster.orgs.rows.height, roster.users.chosen(PLACE, MORE_PLACES)
    return flags(height, users[PLACE]) | flags(height, users[MORE_PLACES].drop_nulls().explode())


def _of_orgs(marked: pl.Series) -> pl.Expr:
    """Return whether the org of a pair is among those that are marked by row."""
    return pl.lit(marked).gather(pl.col(ORG))


def _own_orgs(roster: OneRoster) -> pl.DataFrame:
    """Return (USER, ORG), by user and then in the order of preference, for orgs that exist (rule 12)."""
    users = roster.users.rows.lazy().filter(LIVE)
    index = Index(roster.orgs)
    if roster.roles is None:
        listed = run(users.select(pl.col(ROW).alias(USER), org="orgSourcedIds").filter(pl.col("org") != ""))
        several = listed.filter(pl.col("org").str.contains(",", literal=True))
        if several.height:
            split = several.with_columns(pl.col("org").str.split(",")).explode("org")
            split = split.with_columns(pl.col("org").str.strip_chars())
            single = listed.filter(~pl.col("org").str.contains(",", literal=True))
            listed = pl.concat([single, split]).sort(USER, maintain_order=True)
        orgs = listed.select(USER, index.link(listed["org"]).alias(ORG))
    else:
        chosen = run(users.select(pl.col(ROW).alias(USER), "primaryOrgSourcedId", rank=pl.lit(0)))
        first = chosen.select(USER, index.link(chosen["primaryOrgSourcedId"]).alias(ORG), "rank")
        rank = pl.when(pl.col("roleType") == "primary").then(1).otherwise(2)
        then = run(roster.roles.rows.lazy().filter(LIVE).select(USER, ORG, rank=rank))
        orgs = pl.concat([first, then], how="vertical_relaxed").sort(USER, "rank", maintain_order=True)
    exists = _of_orgs(roster.orgs.rows.select(LIVE).to_series())
    return orgs.filter(pl.col(ORG).is_not_null()).filter(exists).select(USER, ORG)


def _schools_of_classes(roster: OneRoster, place: pl.Series) -> pl.DataFrame:
    """Return (USER, ORG) in the order of the enrolments: schools where a person teaches or attends, ``place`` apart."""
    kinds = roster.users.rows.select(pl.when(LIVE).then(KIND)).to_series()
    schools = roster.classes.rows[SCHOOL]
    elsewhere = pl.col(PLACE).is_null() | (pl.col(ORG) != pl.col(PLACE))
    as_sent = (ATTENDS & (pl.col(KIND) == STUDENT)) | (TEACHES & (pl.col(KIND) == STAFF_MEMBER))
    rows = roster.enrollments.rows.select(FATE, CLASS, USER, "role")
    parts = rows.iter_slices(PART_ROWS) if rows.height else [rows]  # few pairs are kept, and only a part is held
    return pl.concat(
        part.filter(LIVE)
        .select(
            USER,
            pl.lit(schools).gather(pl.col(CLASS)).alias(ORG),
            pl.lit(place).gather(pl.col(USER)).alias(PLACE),
            pl.lit(kinds).gather(pl.col(USER)).alias(KIND),
            "role",
        )
        .filter(elsewhere & as_sent)
        .select(USER, ORG)
        for part in parts
    )


def _distinct(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs without repeats, of which the first stays; pairs of one user stand together."""
    users, user = pairs[USER], pl.col(USER)
    if not (users[1:] == users[:-1]).any():
        return pairs
    shared = pairs.with_row_index("_place").filter((user == user.shift(1)) | (user == user.shift(-1)))  # most have one
    again = shared.filter(~pl.struct(USER, ORG).is_first_distinct())["_place"]
    return pairs.with_row_index("_place").filter(~pl.col("_place").is_in(again.implode())).drop("_place")


def _firsts(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the first pair of each user; pairs of one user stand together."""
    return pairs.filter(pl.col(USER) != pl.col(USER).shift(1).fill_null(NOWHERE))


def _scattered(values: pl.Series, pairs: pl.DataFrame) -> pl.Series:
    return values.scatter(pairs[USER], pairs[ORG]) if pairs.height else values


def _lists(more: pl.DataFrame, place: pl.Series, height: int) -> pl.Series:
    """Return for each user the orgs of ``more`` that are not its first place, null for none."""
    further = more.filter(pl.col(ORG) != place[more[USER]])
    listed = further.group_by(USER, maintain_order=True).agg(pl.col(ORG).alias(MORE_PLACES))
    rows = pl.select(pl.int_range(height, dtype=pl.UInt32).alias(USER))
    return rows.join(listed, on=USER, how="left", maintain_order="left")[MORE_PLACES]


def grade_codes() -> pl.Expr:
    """Return the grade codes of a user: a list has commas, or spaces where every part is a code of the standard."""
    spaced = pl.col("grades").str.contains(SPACED_GRADES)
    commas = pl.when(spaced).then(pl.col("grades").str.replace_all(" ", ",", literal=True)).otherwise("grades")
    return commas.str.split(",")


def grade_levels(users: pl.DataFrame) -> pl.Expr:
    """Return the first grade code of each of the users, a number without its leading zero (rule 11)."""
    known = _different_grades(users).with_columns(_grade_level().alias("level"))
    return pl.col("grades").replace_strict(known["grades"], known["level"], return_dtype=pl.String())


def _different_grades(users: pl.DataFrame) -> pl.DataFrame:
    """Return what stands in the column, each text once: there are few, and patterns take their time."""
    return users.select(pl.col("grades").unique())


def _grade_level() -> pl.Expr:
    first = pl.col("grades").str.split_exact(",", 1).struct.field("field_0")
    first = pl.when(first.str.contains(SPACED_GRADES)).then(first.str.extract("^([^ ]+)")).otherwise(first)
    return _plain_grade(first)


def _plain_grade(code: pl.Expr) -> pl.Expr:
    return code.str.strip_chars().str.replace(r"^0+(\d+)$", "${1}")
