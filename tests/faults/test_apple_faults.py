"""Each way in which Apple's side can fail: what comes of the delivery, in which time, and what lies there then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rosterbridge.errors import TransientError
from tests.support.apple_faults import (
    CONTENT,
    ED25519_PUBLIC,
    FINAL,
    HALF,
    HARMLESS,
    NAME,
    PASSING,
    TRIES,
    TRY_SECONDS,
    Attempt,
    Scene,
    World,
    deliver,
    note,
)
from tests.support.stack import wait_for

ROOT = Path(__file__).parents[2]


def named(scene: Scene) -> str:
    return scene.what.replace(" ", "-")


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "result.zip"
    path.write_bytes(CONTENT)
    return path


def in_time(attempt: Attempt) -> bool:
    return attempt.seconds < attempt.tries * TRY_SECONDS


@pytest.mark.parametrize("scene", PASSING, ids=named)
def test_a_fault_that_passes_is_got_over_by_the_next_try(scene: Scene, upload: Path, tmp_path: Path) -> None:
    with World(tmp_path / "apple", scene) as world:
        attempt = deliver(upload, world, mended_after=1)
        note(scene, attempt, world, passes=True)

        assert (attempt.error, attempt.tries) == (None, 2)
        assert attempt.first is not None
        assert (type(attempt.first), attempt.first.code) == (TransientError, scene.code)
        assert in_time(attempt)
        assert (world.taken, world.part) == (True, False)


@pytest.mark.parametrize("scene", PASSING, ids=named)
def test_a_fault_that_stays_ends_the_tries_and_leaves_one_whole_zip_or_none(
    scene: Scene, upload: Path, tmp_path: Path
) -> None:
    with World(tmp_path / "apple", scene) as world:
        attempt = deliver(upload, world)
        note(scene, attempt, world)

        assert attempt.error is not None
        assert (type(attempt.error), attempt.error.code) == (TransientError, scene.code)
        assert attempt.tries == TRIES
        assert in_time(attempt)
        assert (world.taken, world.part) == (scene.taken, scene.part)


@pytest.mark.parametrize("scene", HARMLESS, ids=named)
def test_what_only_looks_like_a_fault_costs_no_second_try(scene: Scene, upload: Path, tmp_path: Path) -> None:
    with World(tmp_path / "apple", scene) as world:
        attempt = deliver(upload, world)
        note(scene, attempt, world)

        assert (attempt.error, attempt.tries) == (None, 1)
        assert in_time(attempt)
        assert (world.taken, world.part) == (True, False)


@pytest.mark.parametrize("scene", FINAL, ids=named)
def test_what_somebody_must_mend_is_not_tried_again_and_leaves_nothing(
    scene: Scene, upload: Path, tmp_path: Path
) -> None:
    with World(tmp_path / "apple", scene) as world:
        attempt = deliver(upload, world, password=scene.password)
        note(scene, attempt, world)

        assert attempt.error is not None
        assert (type(attempt.error), attempt.error.code) == (scene.kind, scene.code)
        assert attempt.tries == 1
        assert in_time(attempt)
        assert (world.taken, world.part) == (False, False)


@pytest.mark.parametrize(
    ("scene", "reached"),
    [
        (
            Scene("function killed at 50 % of the bytes", fault="stall", options=HALF, part=True),
            lambda world: world.bytes_in_dropbox >= HALF["fault_after"] - 32 * 1024,
        ),
        (
            Scene(
                "function killed after the last byte, before the close is answered", fault="silent-close", taken=True
            ),
            lambda world: world.taken,
        ),
    ],
    ids=lambda value: named(value) if isinstance(value, Scene) else "",
)
def test_a_function_that_was_killed_is_got_over_by_the_next_try(
    scene: Scene, reached: Callable[[World], bool], upload: Path, tmp_path: Path
) -> None:
    with World(tmp_path / "apple", scene) as world:
        command = [sys.executable, "-m", "tests.support.apple_sender", str(world.port), ED25519_PUBLIC, upload, NAME]
        with subprocess.Popen(command, cwd=ROOT) as sender:
            wait_for(lambda: reached(world), "the file is on its way")
            sender.kill()
        assert (world.taken, world.part) == (scene.taken, scene.part)
        world.mend()

        attempt = deliver(upload, world)
        attempt.tries += 1
        note(scene, attempt, world, passes=True)

        assert (attempt.error, attempt.tries) == (None, 2)
        assert (world.taken, world.part) == (True, False)
