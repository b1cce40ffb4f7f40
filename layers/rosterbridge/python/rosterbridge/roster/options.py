"""How a flow converts: the options of ``mapping.md``, each with its default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Ids = tuple[Annotated[str, Field(min_length=1, max_length=255)], ...]


class ConversionOptions(BaseModel):
    """Options of a flow; an empty list of terms, schools or grades means all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Literal["lenient", "strict"] = Field(
        default="lenient", description="strict also requires manifest.csv and courses.csv (rule 3)."
    )
    disabled_users: Literal["keep", "drop"] = Field(
        default="keep", description="What happens to users whose enabledUser is false (rule 4)."
    )
    ended: Literal["keep", "drop"] = Field(
        default="keep", description="What happens to roles and enrolments that are over or have not begun (rule 6)."
    )
    terms: Ids = Field(default=(), description="Send only classes of these academic sessions (rule 7).")
    schools: Ids = Field(default=(), description="Send only classes and people of these orgs (rule 7).")
    grades: Ids = Field(default=(), description="Send only students of these grades (rule 7).")
    staff_roles: Ids = Field(default=("teacher",), description="Roles that make a user staff (rule 9).")
    names: Literal["legal", "preferred"] = Field(
        default="legal", description="preferred uses a preferred name where one is filled in (rule 10)."
    )
    password_policy: Literal["", "4", "6", "8"] = Field(
        default="", description="Passcode length of students; blank leaves it to the location (rule 11)."
    )
    empty_classes: Literal["keep", "drop"] = Field(
        default="keep", description="What happens to classes without a student (rule 14)."
    )
    course_location: Literal["split", "district"] = Field(
        default="split", description="Where a course taught at several schools belongs (rule 16)."
    )
    repair: bool = Field(default=True, description="Drop wrong rows and go on; off: any wrong row rejects.")
    max_dropped: float = Field(
        default=0.05, ge=0, le=1, description="The share of a file's rows above which dropping rejects the upload."
    )
