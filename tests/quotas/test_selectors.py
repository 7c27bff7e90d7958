"""How many projects have used how much of their limits."""

import pytest

from apps.common.errors import ForbiddenError
from apps.quotas.models import Quota
from apps.quotas.selectors import QuotaUse, quota_use

pytestmark = pytest.mark.django_db


def test_projects_by_the_share_that_is_used(admin, make_project) -> None:
    Quota.objects.all().delete()
    for number, (used, hard) in enumerate(
        [(5, -1), (0, 100), (49, 100), (50, 100), (84, 100), (85, 100), (99, 100), (100, 100), (250, 100)]
    ):
        project = make_project(name=f"team{number}")
        Quota.objects.filter(project=project).update(used=used, hard=hard)
    assert quota_use(actor=admin) == QuotaUse(unlimited=1, low=2, middle=2, high=2, full=2)
    # The largest limit that there is, and more than that in use.
    Quota.objects.update(used=2**51, hard=2**50)
    assert quota_use(actor=admin) == QuotaUse(unlimited=0, low=0, middle=0, high=0, full=9)


def test_they_are_not_for_everybody(alice) -> None:
    with pytest.raises(ForbiddenError):
        quota_use(actor=alice)
