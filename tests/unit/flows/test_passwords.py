from __future__ import annotations

from rosterbridge.flows.passwords import PASSWORD_ALPHABET, generate_password


def test_each_password_is_another_and_easy_to_copy() -> None:
    passwords = [generate_password() for _ in range(200)]

    assert len(set(passwords)) == 200
    assert {len(password) for password in passwords} == {24}
    assert set("".join(passwords)) == set(PASSWORD_ALPHABET)
    assert not set("Il1O0o$`'\"\\ ") & set(PASSWORD_ALPHABET)
