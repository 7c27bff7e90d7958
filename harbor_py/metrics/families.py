"""From counts to what Prometheus reads: Harbor's names and labels."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from apps.catalog.exporter import Gauge
from apps.common.metrics import BUCKETS, LOGIN, REQUEST, TASK, Series, Totals

_PULL = ("GET", 200, "v2_manifest")
_PUSH = ("PUT", 201, "v2_manifest")


class _Families(Collector):
    """Anything that ``generate_latest`` can write."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client."""
        return self._families


def written(families: Iterable[Metric]) -> bytes:
    """The families in the text format."""
    # A collector is all that the writer asks of a registry.
    return generate_latest(_Families(families))


def core(totals: Totals) -> Iterator[Metric]:
    """``comp=core``: every request, of the API and of the registry."""
    yield GaugeMetricFamily(
        "harbor_core_http_inflight_requests", "Requests that are being worked on", value=totals.inflight
    )
    yield from _requests(
        totals,
        total=("harbor_core_http_request", "Requests", ("method", "code", "operation")),
        seconds=("harbor_core_http_request_duration_seconds", ("method", "operation")),
    )
    logins = CounterMetricFamily(
        "harbor_login",
        "Names and passwords that were not remembered, by what came of them",
        labels=("result",),
    )
    for key, one in sorted(totals.series.items()):
        if key[0] == LOGIN:
            logins.add_metric((str(key[1]),), one.count)
    yield logins


def registry(totals: Totals) -> Iterator[Metric]:
    """``comp=registry``: the requests of the registry's protocol, under the names of Distribution and of ours."""
    protocol = Totals(
        {
            key: one
            for key, one in totals.series.items()
            if key[0] == REQUEST and str(key[3]).startswith("v2_")
        }
    )
    yield from _requests(
        protocol,
        total=(
            "registry_http_requests",
            "Requests of the registry's protocol",
            ("method", "code", "handler"),
        ),
        seconds=("registry_http_request_duration_seconds", ("method", "handler")),
    )
    pulls = pushes = received = sent = 0
    for key, one in protocol.series.items():
        pulls += one.count if key[1:] == _PULL else 0
        pushes += one.count if key[1:] == _PUSH else 0
        received += one.received
        sent += one.sent
    yield CounterMetricFamily("harbor_registry_pulls", "Manifests that were pulled", value=pulls)
    yield CounterMetricFamily("harbor_registry_pushes", "Manifests that were pushed", value=pushes)
    yield CounterMetricFamily("harbor_registry_received_bytes", "Bytes of requests", value=received)
    yield CounterMetricFamily("harbor_registry_sent_bytes", "Bytes of answers, as announced", value=sent)


def jobservice(totals: Totals, *, node: str, pool: str, workers: int) -> Iterator[Metric]:
    """``comp=jobservice``: the tasks of the background worker."""
    info = GaugeMetricFamily(
        "harbor_jobservice_info", "The background worker", labels=("node", "pool", "workers")
    )
    info.add_metric((node, pool, str(workers)), 1)
    yield info
    ended = CounterMetricFamily("harbor_jobservice_task", "Tasks that have ended", labels=("type", "status"))
    seconds = HistogramMetricFamily(
        "harbor_jobservice_task_process_time_seconds", "Seconds of a task", labels=("type", "status")
    )
    for key, one in sorted(totals.series.items()):
        if key[0] == TASK:
            labels = tuple(map(str, key[1:]))
            ended.add_metric(labels, one.count)
            seconds.add_metric(labels, *_buckets(one))
    yield ended
    yield seconds
    yield from ProcessCollector(registry=None).collect()


def exporter(gauges: Iterable[Gauge], *, scheduled: int) -> Iterator[Metric]:
    """Without ``comp``: the content of the installation."""
    for gauge in gauges:
        family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
        for labels, value in gauge.samples:
            family.add_metric(labels, value)
        yield family
    yield GaugeMetricFamily("harbor_task_scheduled_total", "Tasks that the schedule has", value=scheduled)


def _requests(
    totals: Totals, *, total: tuple[str, str, tuple[str, ...]], seconds: tuple[str, tuple[str, ...]]
) -> Iterator[Metric]:
    counted = CounterMetricFamily(total[0], total[1], labels=total[2])
    by_operation: dict[tuple[str, str], Series] = defaultdict(Series)
    for key, one in sorted(totals.series.items()):
        if key[0] == REQUEST:
            counted.add_metric(tuple(map(str, key[1:])), one.count)
            by_operation[(str(key[1]), str(key[3]))].add(one)
    yield counted
    durations = HistogramMetricFamily(seconds[0], "Seconds until the answer began", labels=seconds[1])
    for labels, one in by_operation.items():
        durations.add_metric(labels, *_buckets(one))
    yield durations


def _buckets(one: Series) -> tuple[list[tuple[str, float]], float]:
    """Cumulative, as the text format has them, and the sum."""
    reached = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), one.buckets, strict=True):
        reached += count
        buckets.append((bound, reached))
    return buckets, one.seconds
