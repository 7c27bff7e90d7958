"""Rules of a policy changed one by one, beside others who change others."""

import pytest

from apps.accounts.security import SystemContext
from apps.common.errors import BadRequestError, ConflictError, NotFoundError
from apps.jobs.selectors import schedule_find
from apps.jobs.types import VendorType
from apps.retention.models import RetentionPolicy
from apps.retention.services import policy_create, policy_delete, policy_schedule, rule_change
from apps.retention.types import rule_key
from tests.distribution.inside import make_place
from tests.retention.conftest import rule

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = SystemContext("tests")


@pytest.fixture
def policy() -> RetentionPolicy:
    place = make_place()
    return policy_create(
        actor=ACTOR, project_id=place.project_id, rules=[rule(number=1), rule(number=2)], cron="0 0 3 * * *"
    )


def numbers(policy: RetentionPolicy) -> list[int]:
    policy.refresh_from_db()
    return [one["params"]["latestPushedK"] for one in policy.rules]


def test_rules_are_added_replaced_and_taken_away(policy: RetentionPolicy) -> None:
    first, second = map(rule_key, policy.rules)
    rule_change(actor=ACTOR, policy_id=policy.pk, rule=rule(number=3))
    assert numbers(policy) == [1, 2, 3]
    rule_change(actor=ACTOR, policy_id=policy.pk, rule=rule(number=7), replaces=first)
    assert numbers(policy) == [7, 2, 3]
    rule_change(actor=ACTOR, policy_id=policy.pk, rule=None, replaces=second)
    assert numbers(policy) == [7, 3]
    found = schedule_find(vendor_type=VendorType.RETENTION, vendor_id=policy.pk)
    assert found is not None
    assert found.cron == "0 0 3 * * *"


def test_a_rule_that_changed_meanwhile_is_not_overwritten(policy: RetentionPolicy) -> None:
    first, _second = map(rule_key, policy.rules)
    rule_change(actor=ACTOR, policy_id=policy.pk, rule=rule(number=7), replaces=first)
    for wanted in (rule(number=8), None):
        with pytest.raises(NotFoundError):
            rule_change(actor=ACTOR, policy_id=policy.pk, rule=wanted, replaces=first)
    assert numbers(policy) == [7, 2]


def test_what_is_against_the_rules_changes_nothing(policy: RetentionPolicy) -> None:
    with pytest.raises(ConflictError):
        rule_change(actor=ACTOR, policy_id=policy.pk, rule=rule(number=2))
    with pytest.raises(BadRequestError):
        rule_change(actor=ACTOR, policy_id=policy.pk, rule=rule("nothing"))
    assert numbers(policy) == [1, 2]
    with pytest.raises(BadRequestError):
        policy_schedule(actor=ACTOR, policy_id=policy.pk, cron="never")


def test_the_schedule_alone(policy: RetentionPolicy) -> None:
    policy_schedule(actor=ACTOR, policy_id=policy.pk, cron="0 0 4 * * *")
    found = schedule_find(vendor_type=VendorType.RETENTION, vendor_id=policy.pk)
    assert found is not None
    assert found.cron == "0 0 4 * * *"
    policy_schedule(actor=ACTOR, policy_id=policy.pk, cron="")
    assert schedule_find(vendor_type=VendorType.RETENTION, vendor_id=policy.pk) is None
    assert numbers(policy) == [1, 2]


def test_a_policy_that_is_gone(policy: RetentionPolicy) -> None:
    number = policy.pk
    policy_delete(actor=ACTOR, policy_id=number)
    with pytest.raises(NotFoundError):
        rule_change(actor=ACTOR, policy_id=number, rule=rule(number=9))
    with pytest.raises(NotFoundError):
        policy_schedule(actor=ACTOR, policy_id=number, cron="")
