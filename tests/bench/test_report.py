"""Ratios and verdicts of the benchmark's table."""

from tests.bench.images import LargeContent, digest_of
from tests.bench.report import EMBEDDED, SERVER, THEIRS, lines, memory_lines, table


def _line(samples, label: str) -> dict:
    return next(line for line in lines(samples) if line["label"] == label)


def _rates(*rates: int) -> list[dict]:
    return [{"rate": rate, "requests": rate, "cpu": 1.0} for rate in rates]


def test_a_rate_is_compared_round_by_round() -> None:
    samples = {
        "manifest-get-tag": {
            THEIRS: _rates(100, 10, 100),
            EMBEDDED: _rates(900, 110, 1200),
            SERVER: _rates(400, 40, 600),
        }
    }
    values = _line(samples, "manifest GET by tag")["values"]
    assert values[EMBEDDED]["ratio"] == 11
    assert values[EMBEDDED]["met"]
    assert values[SERVER]["ratio"] == 4
    assert not values[SERVER]["met"]
    assert "ratio" not in values[THEIRS]
    assert (values[THEIRS]["lowest"], values[THEIRS]["median"]) == (10, 100)


def test_less_time_is_better_and_less_cpu_is_a_smaller_ratio() -> None:
    samples = {
        "push-large": {THEIRS: [{"seconds": 6.0}], EMBEDDED: [{"seconds": 4.0}]},
        "blob-get-medium": {
            THEIRS: [{"rate": 1.0, "cpu": 4.0, "gigabytes": 10.0}],
            EMBEDDED: [{"rate": 1.0, "cpu": 3.0, "gigabytes": 10.0}],
        },
    }
    assert _line(samples, "chunked push, 1 GiB")["values"][EMBEDDED]["ratio"] == 1.5
    cpu = _line(samples, "CPU per GB served")["values"][EMBEDDED]
    assert round(cpu["ratio"], 6) == 0.75
    assert not cpu["met"]


def test_one_repository_is_compared_with_eight_projects_of_the_same_server() -> None:
    samples = {
        "images-one-repository": {EMBEDDED: [{"rate": 80.0, "p95": 0.2}]},
        "images-eight-projects": {EMBEDDED: [{"rate": 100.0, "p95": 0.2}]},
    }
    value = _line(samples, "one repository against eight projects")["values"][EMBEDDED]
    assert value["ratio"] == 0.8
    assert not value["met"]


def test_memory_counts_the_worst_sample_and_has_a_goal_where_blobs_are_huge() -> None:
    small, large = {"peak": 50e6, "process": "one"}, {"peak": 120e6, "process": "harbor_py.server"}
    token_sample = {**large, "rate": 1.0}
    samples = {"huge": {EMBEDDED: [small, large]}, "token": {EMBEDDED: [token_sample]}}
    huge, token = memory_lines(samples)
    assert huge["values"][EMBEDDED]["process"] == "harbor_py.server"
    assert not huge["values"][EMBEDDED]["met"]
    assert "met" not in token["values"][EMBEDDED]
    assert "120 server, MISSED" in table(samples)


def test_each_large_blob_is_new_and_has_the_digest_of_its_bytes() -> None:
    content = LargeContent((5 << 19) + 7, pool_size=1 << 20)
    (first, tail), (second, _) = content.fresh(), content.fresh()
    data = b"".join(content.pieces(tail))
    assert len(data) == content.size
    assert digest_of(data) == first != second
