from __future__ import annotations

import re
from typing import get_args

from rosterbridge.flows.models import Template
from rosterbridge.flows.templates import default_options, flow_templates
from rosterbridge.roster.options import ConversionOptions


def test_there_is_each_template_and_no_other() -> None:
    assert tuple(template.id for template in flow_templates()) == get_args(Template)


def test_a_template_says_what_to_have_at_hand_in_sentences() -> None:
    for template in flow_templates():
        assert len(template.needs) >= 5
        assert all(re.fullmatch(r"[A-Z].*\.", need) for need in (template.description, *template.needs))
        assert any("password" in need for need in template.needs)
        assert any("ZIP" in need for need in template.needs)


def test_a_template_names_the_files_that_apple_asks_for() -> None:
    files = {template.id: set(template.files) for template in flow_templates()}

    assert files["oneroster-csv"] == {
        "manifest.csv",
        "orgs.csv",
        "courses.csv",
        "users.csv",
        "enrollments.csv",
        "classes.csv",
    }
    assert files["asm-csv"] == {
        "students.csv",
        "staff.csv",
        "courses.csv",
        "classes.csv",
        "rosters.csv",
        "locations.csv",
    }


def test_a_flow_without_options_gets_the_templates() -> None:
    for template in flow_templates():
        assert default_options(template.id) == template.options == ConversionOptions()
