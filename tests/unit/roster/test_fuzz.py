"""A short run of the fuzz target, so that it cannot rot; ``make fuzz`` runs it for a minute."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from rosterbridge.roster import ConversionOptions
from tests.fuzz.uploads import OPTIONS, damaged_uploads, examine
from tests.support.examples import examples


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(upload=damaged_uploads(), options=OPTIONS)
def test_no_damaged_upload_crashes_or_gets_through_wrong(upload: bytes, options: ConversionOptions) -> None:
    assert examine(upload, options)
