from __future__ import annotations

import pytest

from tests.support.rosters import Files, oneroster_1_1, oneroster_1_2


@pytest.fixture(params=[oneroster_1_1, oneroster_1_2], ids=["1.1", "1.2"])
def bundle(request: pytest.FixtureRequest) -> Files:
    files: Files = request.param()
    return files
