"""OpenSSH's ``sftp``: what most schools' systems use, so that the tests install it where they can."""

from __future__ import annotations

from functools import cache

import pytest

from local.upload import find_client


@cache
def any_client() -> str | None:
    """Return the path of ``sftp``, or None where it is neither there nor to be had."""
    return find_client(lambda _text: None)


def openssh_client() -> str:
    """Return the path of ``sftp``; a machine without it skips the test."""
    return any_client() or pytest.skip("OpenSSH's sftp is not on this machine and could not be installed")
