"""The description of the API, as it is made from the code."""

import pytest
from drf_spectacular.drainage import GENERATOR_STATS

from apps.api.description import describe


def test_nothing_in_it_is_doubtful(capsys: pytest.CaptureFixture[str]) -> None:
    # What was said once is not said again.
    GENERATOR_STATS.reset()
    describe.__wrapped__()

    assert capsys.readouterr().err == ""
