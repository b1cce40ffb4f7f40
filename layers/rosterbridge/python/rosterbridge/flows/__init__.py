"""Flows: accounts, flows, runs and their steps, and what may be done with them.

Knows the outside only through ``ports``.
"""
