"""Rosterbridge: from a school's SIS to Apple School Manager."""
