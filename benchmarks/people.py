"""Invented people and subjects: names in several scripts, with what a CSV must quote in some of them."""

from __future__ import annotations

import random

GIVEN = (
    *("Åsa", "Bořek", "Chloé", "Dagný", "Emre", "Fumiko", "Gwen", "Håkon", "Ioana", "João", "Kwame", "Łucja", "Mei"),
    *("Nuria", "Oisín", "Priya", "Quinn", "Ruža", "Sofía", "Tomáš", "Ümit", "Vera", "Wren", "Xenia", "Yael", "Zoltán"),
    *("Алёна", "Борис", "Ελένη", "Νίκος", "山田", "美咲", "지우", "ليلى", "नीला", "דנה", "Ada", "Ben", "Cleo", "Dan"),
)
FAMILY = (
    *("Abendroth", "Brindlewood", "Çelikkaya", "Dunmarrow", "Ekström", "Fernhollow", "Gärtner", "Hollowell", "Ibarra"),
    *("Jørgensby", "Kettlewick", "Lindqvist", "Møllegård", "Nakashira", "O'Farrow", "Přibylka", "Quillon", "Rønnevig"),
    *("Søderholt", "Thistledown", "Ünalsoy", "Vandermolen", "Wójcikowa", "Yarrowby", "Ziółkowska", "Мельникова"),
    *("Παπαδέλης", "鈴川", "김하", "الراسي", "वर्माणी", "לביאן"),
)
MIDDLE = ("", "", "", "M.", "Élise", "J.")
SUBJECTS = (
    *("Mathematics", "English", "Science", "History", "Music", "Art", "Geography", "Español", "Français", "Biology"),
    *("Chemistry", "Physics", "Drama", "Physical Education", "Economics", "Computing", "Health", "Latin", "Robotics"),
    *("Ceramics", "Civics"),
)


def given_name(chance: random.Random) -> str:
    """Return a given name; one of 300 has a nickname in quotation marks."""
    name = chance.choice(GIVEN)
    return f'{name} "{name[:2]}"' if chance.random() < 1 / 300 else name


def family_name(chance: random.Random) -> str:
    """Return a family name; one of 100 has a comma."""
    name = chance.choice(FAMILY)
    return f"{name}, Jr." if chance.random() < 1 / 100 else name
