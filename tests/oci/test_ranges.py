import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.oci.errors import MultipleRangesError, RangeInvalidError, RangeUnsatisfiableError
from apps.oci.ranges import MAX_POSITION, ByteRange, parse_byte_range, parse_content_range

positions = st.integers(0, MAX_POSITION)


@given(start=positions, end=positions, form=st.sampled_from(["{}-{}", "bytes {}-{}/*", "bytes {}-{}"]))
def test_content_range_of_a_chunk(start, end, form):
    header = form.format(start, end)
    if start <= end:
        assert parse_content_range(header) == (start, end)
    else:
        with pytest.raises(RangeInvalidError, match="out of bounds"):
            parse_content_range(header)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0-0", (0, 0)),
        ("0-1023", (0, 1023)),
        (" 5-9 ", (5, 9)),
        ("bytes 0-1023/1024", (0, 1023)),
        ("bytes=0-1023", (0, 1023)),
        (f"0-{MAX_POSITION}", (0, MAX_POSITION)),
    ],
)
def test_content_range_forms(header, expected):
    assert parse_content_range(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        "-",
        "0",
        "0-",
        "-5",
        "a-b",
        "0-1,2-3",
        "+0-1",
        "0--1",
        "0 - 1",
        "items 0-1",
        "\u0660-\u0661",
        "0-1\n",
        "0-1/x",
        "0x0-0x1",
        "1_0-2_0",
        "0-" + "9" * 20,
        "0-" + "9" * 5000,
        "bytes */10",
        "0-5\udcff",
    ],
)
def test_malformed_content_range(header):
    with pytest.raises(RangeInvalidError, match="want <first byte>-<last byte>") as caught:
        parse_content_range(header)
    assert caught.value.code == "RANGE_INVALID"
    assert caught.value.message.encode("utf-8")


@pytest.mark.parametrize("header", ["5-4", f"0-{MAX_POSITION + 1}"])
def test_content_range_out_of_bounds(header):
    with pytest.raises(RangeInvalidError, match="out of bounds"):
        parse_content_range(header)


@pytest.mark.parametrize("header", ["bytes 0-9/9", "0-9/0"])
def test_content_range_beyond_its_own_total(header):
    with pytest.raises(RangeInvalidError, match="not below the total"):
        parse_content_range(header)


@given(size=st.integers(0, 50), first=st.integers(0, 60), last=st.integers(0, 60))
def test_closed_range_selects_what_a_slice_does(size, first, last):
    content = bytes(range(size))
    header = f"bytes={first}-{last}"
    if last < first:
        assert parse_byte_range(header, size) is None
    elif first >= size:
        with pytest.raises(RangeUnsatisfiableError):
            parse_byte_range(header, size)
    else:
        found = parse_byte_range(header, size)
        assert content[found.start : found.end_exclusive] == content[first : last + 1]
        assert 0 <= found.start < found.end_exclusive <= size


@given(size=st.integers(1, 50), count=st.integers(1, 60))
def test_suffix_and_open_ranges_select_what_a_slice_does(size, count):
    content = bytes(range(size))
    suffix = parse_byte_range(f"bytes=-{count}", size)
    assert content[suffix.start : suffix.end_exclusive] == content[-count:]
    first = min(count, size) - 1
    rest = parse_byte_range(f"bytes={first}-", size)
    assert content[rest.start : rest.end_exclusive] == content[first:]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=0-99", ByteRange(0, 100)),
        ("bytes=0-" + "9" * 400, ByteRange(0, 100)),
        ("bytes=-" + "9" * 400, ByteRange(0, 100)),
        ("BYTES=99-", ByteRange(99, 100)),
        ("bytes= 1-2 ", ByteRange(1, 3)),
        ("bytes=,1-2,", ByteRange(1, 3)),
    ],
)
def test_one_range(header, expected):
    assert parse_byte_range(header, 100) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes=a-b",
        "bytes=1",
        "bytes=2-1",
        "items=0-1",
        "0-1",
        "bytes 0-1",
        "bytes=0-1,x",
        "bytes=0--1",
        "bytes=+0-1",
        "bytes=0-1;2-3",
        "bytes=\u0660-\u0661",
        "bytes=--1",
        "bytes=0-" + "9" * 10_000,
    ],
)
def test_range_that_is_to_be_ignored(header):
    assert parse_byte_range(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("bytes=100-", 100),
        ("bytes=100-200", 100),
        ("bytes=-0", 100),
        ("bytes=0-", 0),
        ("bytes=0-0", 0),
        ("bytes=-0", 0),
        ("bytes=" + "9" * 400 + "-", 100),
    ],
)
def test_unsatisfiable_range_tells_the_size(header, size):
    with pytest.raises(RangeUnsatisfiableError) as caught:
        parse_byte_range(header, size)
    assert caught.value.detail == {"size": size}
    assert caught.value.code == "RANGE_INVALID"


def test_suffix_of_empty_content_is_ignored_because_206_cannot_say_it():
    assert parse_byte_range("bytes=-5", 0) is None


@pytest.mark.parametrize("header", ["bytes=0-1,2-3", "bytes=0-1, -1", "bytes=200-,300-", "bytes=0-1,0-1"])
def test_several_ranges_are_refused(header):
    with pytest.raises(MultipleRangesError) as caught:
        parse_byte_range(header, 100)
    assert caught.value.detail == {"size": 100}
    assert isinstance(caught.value, RangeInvalidError)


@given(header=st.text() | st.text("0123456789-, ").map("bytes={}".format), size=st.integers(0, 1000))
def test_any_header_is_answered(header, size):
    try:
        found = parse_byte_range(header, size)
    except RangeInvalidError:
        return
    assert found is None or 0 <= found.start < found.end_exclusive <= size
