"""The same conversion as a user of pandas writes it, for OneRoster 1.1 without wrong rows.

``python -m benchmarks.pandas_reference source.zip target.zip``, in an environment with pandas.
"""

from __future__ import annotations

import sys
import zipfile

import pandas as pd

COLUMNS = {
    "orgs": "sourcedId name type identifier",
    "users": ("sourcedId orgSourcedIds role username givenName familyName middleName identifier email grades"),
    "courses": "sourcedId title courseCode orgSourcedId",
    "classes": "sourcedId title courseSourcedId classCode schoolSourcedId",
    "enrollments": "sourcedId classSourcedId userSourcedId role primary",
}
PERSON = {
    "sourcedId": "person_id",
    "identifier": "person_number",
    "givenName": "first_name",
    "middleName": "middle_name",
    "familyName": "last_name",
    "grades": "grade_level",
    "email": "email_address",
    "username": "sis_username",
    "policy": "password_policy",
}


def read(archive: zipfile.ZipFile, name: str) -> pd.DataFrame:
    """Return a file's columns as clean text."""
    columns = COLUMNS[name].split()
    with archive.open(f"{name}.csv") as file:
        frame = pd.read_csv(file, usecols=columns, dtype=str, keep_default_na=False)[columns]
    for column in columns:
        clean = frame[column].str.replace('"', "'", regex=False).str.replace(r"[\x00-\x1f\x7f]+", " ", regex=True)
        frame[column] = clean.str.strip()
    return frame.drop_duplicates()


def locate(users: pd.DataFrame, enrollments: pd.DataFrame, classes: pd.DataFrame, schools: pd.Index) -> pd.DataFrame:
    """Return each user's locations, in order, as columns by the user's id."""
    own = users[["sourcedId", "orgSourcedIds"]].set_axis(["user", "org"], axis=1)
    own = own.assign(org=own["org"].str.split(",")).explode("org")
    visits = enrollments[enrollments["userSourcedId"].isin(users["sourcedId"])]
    visits = visits.merge(classes, left_on="classSourcedId", right_on="sourcedId")
    visits = visits[["userSourcedId", "schoolSourcedId"]].set_axis(["user", "org"], axis=1)
    places = pd.concat([own[own["org"].isin(schools)], visits]).drop_duplicates()
    places["number"] = places.groupby("user").cumcount() + 1
    wide = places.pivot(index="user", columns="number", values="org")
    return wide.rename(columns=lambda number: "location_id" if number == 1 else f"location_id_{number}")


def people(users: pd.DataFrame, places: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Return Apple's rows for the users."""
    rows = users.rename(columns=columns)[list(columns.values())]
    return rows.join(places, on="person_id").dropna(axis="columns", how="all")


def instruct(enrollments: pd.DataFrame) -> pd.DataFrame:
    """Return each class's instructors as columns by the class's id."""
    teaching = enrollments[enrollments["role"] == "teacher"]
    teaching = teaching.assign(second=teaching["primary"] != "true").sort_values(["second", "userSourcedId"])
    teaching = teaching.drop_duplicates(["classSourcedId", "userSourcedId"])
    teaching["number"] = teaching.groupby("classSourcedId").cumcount() + 1
    wide = teaching[teaching["number"] <= 15].pivot(  # noqa: PLR2004
        index="classSourcedId", columns="number", values="userSourcedId"
    )
    wide = wide.reindex(columns=range(1, max(3, wide.shape[1]) + 1))
    return wide.rename(columns=lambda number: "instructor_id" if number == 1 else f"instructor_id_{number}")


def place_courses(courses: pd.DataFrame, classes: pd.DataFrame, schools: pd.Index) -> pd.DataFrame:
    """Return a row for each course, or for each of its schools where it is not at home in one."""
    pairs = classes[["courseSourcedId", "schoolSourcedId"]].drop_duplicates()
    taught = courses.merge(pairs, left_on="sourcedId", right_on="courseSourcedId")
    count = taught.groupby("sourcedId")["schoolSourcedId"].transform("size")
    at_home = taught["orgSourcedId"].isin(schools)
    split = ~at_home & (count > 1)
    taught["location_id"] = taught["orgSourcedId"].where(at_home, taught["schoolSourcedId"])
    taught["course_id"] = taught["sourcedId"].where(~split, taught["sourcedId"] + "-" + taught["schoolSourcedId"])
    taught["course_name"] = taught["title"].where(taught["title"] != "", taught["courseCode"])
    return taught.drop_duplicates("course_id")


def place_classes(classes: pd.DataFrame, placed: pd.DataFrame, enrollments: pd.DataFrame) -> pd.DataFrame:
    """Return Apple's rows for the classes."""
    keys = ["courseSourcedId", "schoolSourcedId"]
    split = placed.loc[placed["course_id"] != placed["sourcedId"], [*keys, "course_id"]]
    rows = classes.merge(split, on=keys, how="left")
    rows["course_id"] = rows["course_id"].fillna(rows["courseSourcedId"])
    rows["class_number"] = rows["classCode"].where(rows["classCode"] != "", rows["title"])
    instructors = instruct(enrollments)
    rows = rows.join(instructors, on="sourcedId").rename(
        columns={"sourcedId": "class_id", "schoolSourcedId": "location_id"}
    )
    names = list(instructors.columns)
    return rows[["class_id", "class_number", "course_id", *names[:3], "location_id", *names[3:]]]


def convert(
    orgs: pd.DataFrame, users: pd.DataFrame, courses: pd.DataFrame, classes: pd.DataFrame, enrollments: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return Apple's six files."""
    schools = pd.Index(orgs.loc[orgs["type"] == "school", "sourcedId"])
    enrollments = enrollments[enrollments["role"].isin(["student", "teacher"])]
    instructs = users["sourcedId"].isin(enrollments.loc[enrollments["role"] == "teacher", "userSourcedId"])
    users["policy"] = ""
    users["grades"] = users["grades"].str.split(",").str[0].str.replace(r"^0+(\d+)$", r"\1", regex=True)
    staff = users[instructs | (users["role"] == "teacher")]
    students = users[(users["role"] == "student") & ~instructs]
    sent = pd.concat([staff, students])
    places = locate(sent, enrollments, classes, schools)
    placed = place_courses(courses, classes, schools)
    attending = enrollments[
        (enrollments["role"] == "student") & enrollments["userSourcedId"].isin(students["sourcedId"])
    ]
    attending = attending.drop_duplicates(["classSourcedId", "userSourcedId"])
    used = pd.concat([places.stack(), placed["location_id"], classes["schoolSourcedId"]])
    return {
        "students.csv": people(students, places, PERSON),
        "staff.csv": people(staff, places, {k: v for k, v in PERSON.items() if k not in ("grades", "policy")}),
        "courses.csv": placed[["course_id", "courseCode", "course_name", "location_id"]].rename(
            columns={"courseCode": "course_number"}
        ),
        "classes.csv": place_classes(classes, placed, enrollments),
        "rosters.csv": attending[["sourcedId", "classSourcedId", "userSourcedId"]].set_axis(
            ["roster_id", "class_id", "student_id"], axis=1
        ),
        "locations.csv": orgs.loc[orgs["sourcedId"].isin(used), ["sourcedId", "name"]].set_axis(
            ["location_id", "location_name"], axis=1
        ),
    }


def main(source: str, target: str) -> None:
    """Convert one ZIP."""
    with zipfile.ZipFile(source) as archive:
        files = convert(*(read(archive, name) for name in COLUMNS))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, frame in files.items():
            with archive.open(name, "w") as file:
                frame.to_csv(file, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
