"""Policies applied to repositories: what goes, what stays, what is said, and what an interruption changes."""

import json
from typing import Any

import pytest
from django.utils import timezone

from apps.artifacts.models import Artifact, ArtifactLabel, Tag, TagMove, TrashEntry
from apps.artifacts.services import artifacts as artifact_services
from apps.artifacts.services.repositories import repository_delete
from apps.artifacts.services.tags import tag_create, tag_delete
from apps.audit.models import AuditLog
from apps.events import bus
from apps.events.catalogue import RetentionFinished
from apps.immutability.services import immutable_rule_create
from apps.jobs.context import JobLostError, JobStoppedError
from apps.jobs.services import task_retake
from apps.jobs.types import Status
from apps.projects.models import Label, Project
from apps.retention import runner
from apps.retention.services import policy_delete, policy_update
from tests.artifacts.reading import paid
from tests.distribution.documents import index_of, manifest_of
from tests.retention.conftest import Kept, claimed, fates_in, log_of, rule
from tests.support.people import seen_events

pytestmark = pytest.mark.django_db(transaction=True)


def sums(task: Any) -> tuple[int, int]:
    return task.extra_attrs["total"], task.extra_attrs["retained"]


def make_immutable(kept: Kept, pattern: str) -> None:
    immutable_rule_create(
        actor=kept.place.actor,
        project=Project.objects.get(pk=kept.place.project_id),
        tag_selectors=[{"kind": "doublestar", "decoration": "matches", "pattern": pattern}],
        scope_selectors={
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]
        },
    )


def test_what_no_rule_keeps_goes_into_the_trash(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = [kept.push(f"v{number}", days=number) for number in range(5)]
    policy = kept.policy(rule(number=2))
    before = paid(kept.place.project_id)
    events = seen_events(monkeypatch, runner)

    task = kept.run(policy)

    assert (task.status, sums(task)) == (Status.SUCCESS, (5, 2))
    assert kept.tags == {"v0", "v1"}
    entries = list(TrashEntry.objects.order_by("pk"))
    assert {entry.digest for entry in entries} == {document.digest for document in pushed[2:]}
    assert {(entry.reason, entry.operator, entry.kind) for entry in entries} == {
        ("retention", "retention", "artifact")
    }
    assert set(TagMove.objects.filter(digest="").values_list("reason", flat=True)) == {"retention"}
    assert paid(kept.place.project_id) < before
    log = log_of(task)
    assert fates_in(log) == {
        document.digest: "RETAIN" if number < 2 else "DEL" for number, document in enumerate(pushed)
    }
    assert "5 in all, 2 retained, 3 deleted" in log
    [event] = [event for event in events if isinstance(event, RetentionFinished)]
    assert (event.total, event.retained, event.status, event.task_id) == (5, 2, "Success", task.pk)
    assert {one.digest: one.tags for one in event.deleted} == {
        document.digest: (f"v{number}",) for number, document in enumerate(pushed) if number > 1
    }
    assert json.loads(event.rules)[0]["params"] == {"latestPushedK": 2}
    assert bus.decode("RetentionFinished", bus.encode(event)) == event
    assert AuditLog.objects.filter(username="retention", operation="delete").count() == 3


def test_a_dry_run_says_what_a_run_then_does(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        kept.push(f"v{number}", days=number)
    make_immutable(kept, "v3")
    policy = kept.policy(rule(number=1))
    events = seen_events(monkeypatch, runner)

    said = kept.run(policy, dry_run=True)

    assert kept.tags == {"v0", "v1", "v2", "v3"}
    assert (TrashEntry.objects.count(), events) == (0, [])
    assert "4 in all, 2 retained, 2 would be deleted" in log_of(said)
    done = kept.run(policy)
    assert kept.tags == {"v0", "v3"}
    assert fates_in(log_of(said)) == fates_in(log_of(done))
    assert sums(said) == sums(done) == (4, 2)


def test_immutable_tags_are_kept_and_said_to_be(kept: Kept) -> None:
    document = kept.push("v1", days=9)
    kept.push("other", days=9, document=document)
    kept.push("dev", days=9)
    make_immutable(kept, "v*")

    task = kept.run(kept.policy(rule("nDaysSinceLastPush", 1)))

    assert kept.tags == {"v1", "other"}
    assert fates_in(log_of(task))[document.digest] == "IMMUTABLE"
    assert sums(task) == (2, 1)


def test_children_of_kept_indexes_and_accessories_of_kept_artifacts_stay(kept: Kept) -> None:
    tagged, plain = kept.push("amd64", days=9), kept.push("", days=9)
    index = kept.push("multi", document=index_of([tagged, plain]))
    signature = kept.push("", days=9, document=manifest_of(subject=index.descriptor))
    gone = kept.push("gone", days=9)
    kept.push("", days=9, document=manifest_of(subject=gone.descriptor))

    task = kept.run(kept.policy(rule("nDaysSinceLastPush", 1)))

    assert kept.digests == {tagged.digest, plain.digest, index.digest, signature.digest}
    assert fates_in(log_of(task)) == {
        index.digest: "RETAIN",
        tagged.digest: "RETAIN",
        gone.digest: "DEL",
    }
    assert sums(task) == (3, 2)


def test_an_index_goes_before_its_tagged_children(kept: Kept) -> None:
    tagged, plain = kept.push("amd64", days=9), kept.push("", days=9)
    kept.push("multi", days=9, document=index_of([tagged, plain]))

    task = kept.run(kept.policy(rule("nDaysSinceLastPush", 1)))

    assert (kept.digests, sums(task)) == (set(), (2, 0))


@pytest.mark.parametrize(
    ("extras", "stays"), [("", True), ('{"untagged":true}', True), ('{"untagged":false}', False)]
)
def test_artifacts_without_a_tag_count_by_the_extras(kept: Kept, extras: str, stays: bool) -> None:
    document = kept.push("v1")
    tag_delete(actor=kept.place.actor, repository_name=kept.place.repository, tag="v1")

    kept.run(kept.policy(rule("always", extras=extras)))

    assert (document.digest in kept.digests) is stays


def test_the_latest_times_of_artifact_and_tags_count(kept: Kept) -> None:
    document = kept.push("v1", days=9)
    Tag.objects.filter(name="v1").update(push_time=timezone.now())
    pulled = kept.push("v2", days=9)
    Artifact.objects.filter(digest=pulled.digest).update(pull_time=timezone.now())
    kept.push("v3", days=9)

    task = kept.run(kept.policy(rule("nDaysSinceLastPush", 1), rule("nDaysSinceLastPull", 1)))

    assert kept.tags == {"v1", "v2"}
    assert document.digest in kept.digests
    assert sums(task) == (3, 2)


def test_labels_and_times_stand_in_the_log(kept: Kept) -> None:
    document = kept.push("v1", days=9)
    label = Label.objects.create(name="tested", scope="p", project_id=kept.place.project_id)
    ArtifactLabel.objects.create(artifact=Artifact.objects.get(digest=document.digest), label=label)
    at = Artifact.objects.get(digest=document.digest).push_time
    policy = kept.policy(rule(number=0))

    for dry_run in (True, False):
        log = log_of(kept.run(policy, dry_run=dry_run))
        time = at.strftime("%Y/%m/%d %H:%M:%S")
        [row] = [line for line in log.splitlines() if line.startswith("| sha256:")]
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells == [document.digest, "v1", "unknown", "tested", time, "", time, "DEL"]


def test_what_was_tagged_after_the_decision_stays(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    document = kept.push("old", days=9)
    policy = kept.policy(rule("nDaysSinceLastPush", 1))
    delete = runner.artifact_delete

    def late(**arguments: Any) -> None:
        if not Tag.objects.filter(name="release").exists():
            tag_create(
                actor=kept.place.actor,
                repository_name=kept.place.repository,
                reference=document.digest,
                tag="release",
            )
        delete(**arguments)

    monkeypatch.setattr(runner, "artifact_delete", late)
    task = kept.run(policy)

    assert kept.tags == {"old", "release"}
    assert fates_in(log_of(task)) == {document.digest: "RETAIN"}
    assert "was tagged or pushed meanwhile" in log_of(task)


def test_it_decides_anew_when_a_decision_is_old(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each deletion makes the decision old here: what is pulled meanwhile stays."""
    for number in range(3):
        kept.push(f"v{number}", days=9)
    policy = kept.policy(rule("nDaysSinceLastPull", 1))
    pulled: list[str] = []
    monkeypatch.setattr(runner, "ROUND_SECONDS", 0)
    monkeypatch.setattr(runner, "AT_ONCE", 1)
    delete = runner.artifact_delete

    def pulled_meanwhile(**arguments: Any) -> None:
        delete(**arguments)
        if not pulled:
            pulled.append(min(kept.digests))
            Artifact.objects.filter(digest=pulled[0]).update(pull_time=timezone.now())

    monkeypatch.setattr(runner, "artifact_delete", pulled_meanwhile)
    context = claimed(kept.begin(policy))
    runner.retention_run(context)

    assert kept.digests == set(pulled)
    assert (context.task.extra_attrs["total"], context.task.extra_attrs["retained"]) == (3, 1)


def test_the_rules_of_the_moment_hold(kept: Kept) -> None:
    kept.push("v1", days=9)
    policy = kept.policy(rule("nDaysSinceLastPush", 1))
    task = kept.begin(policy).tasks.get()
    policy_update(actor=kept.place.actor, policy_id=policy.pk, rules=[rule("always", repositories="other")])

    task = kept.work(task)

    assert (kept.tags, sums(task)) == ({"v1"}, (0, 0))
    assert "nothing is done" in log_of(task)


def test_a_repository_that_is_gone_is_no_error(kept: Kept) -> None:
    kept.push("v1", days=9)
    task = kept.begin(kept.policy(rule())).tasks.get()
    repository_delete(actor=kept.place.actor, repository_name=kept.place.repository)

    assert kept.work(task).status == Status.SUCCESS


def test_a_policy_that_is_deleted_takes_its_runs_along(kept: Kept) -> None:
    kept.push("v1", days=9)
    policy = kept.policy(rule("nDaysSinceLastPush", 1))
    context = claimed(kept.begin(policy))
    policy_delete(actor=kept.place.actor, policy_id=policy.pk)

    runner.retention_run(context)
    context.log.flush()

    assert (kept.tags, log_of(context.task)) == ({"v1"}, "")


def test_a_stop_keeps_the_rest_and_says_what_was_done(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        kept.push(f"v{number}", days=9)
    context = claimed(kept.begin(kept.policy(rule("nDaysSinceLastPush", 1))))
    events = seen_events(monkeypatch, runner)
    monkeypatch.setattr(runner, "AT_ONCE", 1)
    delete = runner.artifact_delete

    def then_stop(**arguments: Any) -> None:
        delete(**arguments)
        context.stop()

    monkeypatch.setattr(runner, "artifact_delete", then_stop)
    with pytest.raises(JobStoppedError):
        runner.retention_run(context)
    context.log.flush()

    assert (len(kept.tags), sums(context.task)) == (3, (4, 3))
    assert sorted(fates_in(log_of(context.task)).values()) == ["DEL", "RETAIN", "RETAIN", "RETAIN"]
    assert [(event.status, len(event.deleted)) for event in events] == [("Stopped", 1)]


class Killed(BaseException):
    """Ends a runner at once, as a killed process does: nothing of it is caught."""


# A place where it dies, and how often that is passed before.
_STEPS = [
    ("snapshot_load", 0),
    ("artifacts_delete", 0),
    ("artifact_delete", 0),
    ("artifact_delete", 1),
    ("artifact_delete", 2),
    ("_facts_of", 0),
    ("publish", 0),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("step", "passes"), _STEPS)
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, step: str, passes: int, when: str
) -> None:
    for number in range(5):
        kept.push(f"v{number}", days=number)
    context = claimed(kept.begin(kept.policy(rule(number=2))))
    if step == "artifact_delete":
        monkeypatch.setattr(runner, "AT_ONCE", 1)
    events: list[Any] = []
    own_publish = runner.publish
    monkeypatch.setattr(runner, "publish", lambda event: (own_publish(event), events.append(event)))
    own = getattr(runner, step)
    passed = 0

    def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal passed
        passed += 1
        if when == "before" and passed > passes:
            raise Killed
        result = own(*arguments, **named)
        if passed > passes:
            raise Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(runner, step, dying)
        with pytest.raises(Killed):
            runner.retention_run(context)
        # Lines that were not stored die with the process.
    assert task_retake(task=context.task, message="its worker died")
    events.clear()

    task = kept.work(context.task)

    assert (task.status, sums(task), kept.tags) == (Status.SUCCESS, (5, 2), {"v0", "v1"})
    assert TrashEntry.objects.count() == 3
    assert sorted(fates_in(log_of(task)).values()) == ["DEL"] * 3 + ["RETAIN"] * 2
    [event] = events
    assert (event.total, event.retained, len(event.deleted)) == (5, 2, 3)


def test_a_run_that_died_after_it_had_told_tells_nothing_twice(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.push("v1", days=9)
    context = claimed(kept.begin(kept.policy(rule("nDaysSinceLastPush", 1))))
    events = seen_events(monkeypatch, runner)
    runner.retention_run(context)
    context.log.flush()
    assert task_retake(task=context.task, message="its worker died")

    task = kept.work(context.task)

    assert (len(events), sums(task)) == (1, (1, 0))
    assert len([line for line in log_of(task).splitlines() if line.startswith("| sha256:")]) == 1


def test_a_runner_whose_task_was_given_away_tells_nothing(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.push("v1", days=9)
    context = claimed(kept.begin(kept.policy(rule("nDaysSinceLastPush", 1))))
    events = seen_events(monkeypatch, runner)
    context.lose()

    with pytest.raises(JobLostError):
        runner.retention_run(context)

    assert (kept.tags, events) == ({"v1"}, [])


def test_what_fails_is_said_and_the_others_go(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = kept.push("v1", days=9)
    kept.push("v2", days=9)
    refused = artifact_services.GateRefusedError("not this one")

    class Gate:
        def check_delete(self, deletion: Any) -> None:
            if deletion.digest == bad.digest:
                raise refused

    monkeypatch.setattr(artifact_services.gates, "delete", [*artifact_services.gates.delete, Gate()])
    task = kept.run(kept.policy(rule("nDaysSinceLastPush", 1)))

    assert kept.tags == {"v1"}
    assert fates_in(log_of(task))[bad.digest] == "ERR"
    assert "not this one" in log_of(task)
    assert (task.status, sums(task)) == (Status.SUCCESS, (2, 1))
