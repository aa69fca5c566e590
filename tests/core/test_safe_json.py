"""JSON from strangers is bounded and clean, or refused; it never surprises."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.safe_json import MAX_DEPTH, UnsafeJson, check, loads_object, scrub

CAP = 1_000_000


def load(raw: bytes | str, **options: Any) -> Any:
    body = raw.encode() if isinstance(raw, str) else raw
    return loads_object(body, max_bytes=CAP, **options)


def code_of(raw: bytes | str, **options: Any) -> str:
    with pytest.raises(UnsafeJson) as caught:
        load(raw, **options)
    assert caught.value.message
    return caught.value.code


def nested(levels: int) -> str:
    """An object that is `levels` containers deep, itself included."""
    return '{"m":' + "[" * (levels - 1) + "1" + "]" * (levels - 1) + "}"


def wide(keys: int) -> str:
    return "{" + ",".join(f'"k{i}":1' for i in range(keys)) + "}"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (
            b'{"summary": "ok", "n": [1, 2.5, true, null]}',
            {"summary": "ok", "n": [1, 2.5, True, None]},
        ),
        (b'\xef\xbb\xbf{"title":"x"}', {"title": "x"}),
        (b"  {} \n", {}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":"x\\u0000y"}', {"a": "x\ufffdy"}),
        (b'{"a\\u0000":1}', {"a\ufffd": 1}),
        (b'{"a":"x\\\\u0000"}', {"a": "x\\u0000"}),
        (b'{"a":"\\ud800"}', {"a": "\ufffd"}),
        (b'{"\\udfff":["\\ud800\\ud800"]}', {"\ufffd": ["\ufffd\ufffd"]}),
        (b'{"a":"\\ud83d\\ude80"}', {"a": "🚀"}),
        ('{"a":"na\u00efve 👩\u200d👩\u200d👧"}'.encode(), {"a": "na\u00efve 👩\u200d👩\u200d👧"}),
        (b'{"a":NaN,"b":Infinity,"c":-Infinity}', {"a": None, "b": None, "c": None}),
        (b'{"a":1e999,"b":-1e400000,"c":1e308}', {"a": None, "b": None, "c": 1e308}),
        (b'{"a":9223372036854775807}', {"a": 9223372036854775807}),
        (b'{"a":9223372036854775808}', {"a": "9223372036854775808"}),
        (b'{"a":-9223372036854775808}', {"a": "-9223372036854775808"}),
        (b'{"a":[18446744073709551615]}', {"a": ["18446744073709551615"]}),
        (b'{"a":' + b"9" * 400 + b"}", {"a": "9" * 400}),
        (b'{"a":' + b"9" * 5000 + b"}", {"a": "9" * 5000}),
        (b'{"a":-' + b"9" * 5000 + b',"b":"\\ud800"}', {"a": "-" + "9" * 5000, "b": "\ufffd"}),
        (b'{"id":"8979287136362607111"}', {"id": "8979287136362607111"}),
    ],
)
def test_what_can_be_mended_is_mended(raw: bytes, value: Any) -> None:
    assert load(raw) == value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"{", "not_json"),
        (b'{"a":1}x', "not_json"),
        (b'{"a":\x00}', "not_json"),
        (b"summary=x", "not_json"),
        (b'{"a":"\n"}', "not_json"),
        (b'{"summary":"\xff\xfe"}', "bad_encoding"),
        (b'{"a":"\xed\xa0\x80"}', "bad_encoding"),
        ('{"a":1}'.encode("utf-16"), "bad_encoding"),
        (b"null", "not_an_object"),
        (b"[1,2]", "not_an_object"),
        (b'[{"a":1}]', "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"17", "not_an_object"),
        (b"[" * 100_000, "too_deep"),
        (nested(1_001).encode(), "too_deep"),
        ((b'{"a":' * 50_000) + b"1" + b"}" * 50_000, "too_deep"),
        (b'{"a":"' + b"x" * CAP + b'"}', "too_large"),
        (wide(20_001).encode(), "too_many_values"),
        (('{"a":[' + "[],{}," * 20_000 + "1]}").encode(), "too_many_values"),
    ],
)
def test_what_cannot_be_mended_is_refused_with_a_code(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


def test_an_array_of_objects_is_taken_only_where_it_is_allowed() -> None:
    assert load('[{"a":1},{"b":"\\u0000"}]', allow_array=True) == [{"a": 1}, {"b": "\ufffd"}]
    assert load('{"a":1}', allow_array=True) == {"a": 1}
    assert code_of('[{"a":1},2]', allow_array=True) == "not_an_object"
    assert code_of("null", allow_array=True) == "not_an_object"


def test_the_bounds_are_exact() -> None:
    assert load(nested(MAX_DEPTH))
    assert code_of(nested(MAX_DEPTH + 1)) == "too_deep"
    assert len(load(wide(20_000))) == 20_000
    assert len(load(wide(20_001), max_values=20_001)) == 20_001
    assert loads_object(b'{"a":1}', max_bytes=7) == {"a": 1}
    with pytest.raises(UnsafeJson, match="larger than 6 bytes"):
        loads_object(b'{"a":1}', max_bytes=6)


@pytest.mark.parametrize(
    "raw", ['{"a":"\\u0000"}', '{"a\\u0000":1}', '{"a":[{"b":"\\ud800"}]}', '{"\\udc00":1}']
)
def test_poison_is_refused_where_a_person_can_correct_it(raw: str) -> None:
    assert code_of(raw, refuse_poison=True) == "unsafe_text"
    assert load(raw)


def test_numbers_are_tamed_even_where_poison_is_refused() -> None:
    raw = '{"a":NaN,"b":1e999,"c":9223372036854775808,"d":"\\ud83d\\ude80"}'
    tamed = {"a": None, "b": None, "c": "9223372036854775808", "d": "🚀"}
    assert load(raw, refuse_poison=True) == tamed


def test_scrub_cleans_a_copy_of_what_was_parsed_elsewhere() -> None:
    parsed: dict[str, Any] = {"a\x00": ["\ud800", math.inf, math.nan, 1 << 63, (1, 2)], "b": True}
    assert scrub(parsed) == {"a\ufffd": ["\ufffd", None, None, str(1 << 63), [1, 2]], "b": True}
    assert parsed["a\x00"][0] == "\ud800"
    assert scrub(10**5000) == hex(10**5000)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"a": "\x00"}, "unsafe_text"),
        ({"\udfff": 1}, "unsafe_text"),
        ([math.inf], "unsafe_number"),
        ({"a": -math.nan}, "unsafe_number"),
        ({"a": 1 << 63}, "unsafe_number"),
        ({1: "a"}, "not_json"),
        ({"a": {1, 2}}, "not_json"),
        ([None] * 20_001, "too_many_values"),
        (json.loads(nested(65)), "too_deep"),
    ],
)
def test_check_refuses_what_scrub_would_change(value: Any, code: str) -> None:
    with pytest.raises(UnsafeJson) as caught:
        check(value)
    assert caught.value.code == code


def test_check_passes_what_is_safe() -> None:
    check({"a": ["x", 1, 2.5, None, True, {"b": "🚀"}], "c": (1 << 63) - 1})


@pytest.mark.parametrize(
    "raw",
    [
        wide(60_000).encode(),
        b"[" * 500_000,
        b'{"a":' + b"9" * 500_000 + b"}",
        b'{"a":[' + b",".join([b"9" * 4300] * 110) + b"]}",
        b'{"a":0.' + b"9" * 500_000 + b"}",
        b'{"a":"' + b"\\ud800" * 80_000 + b'"}',
        b'{"a":"' + b"\\u0000" * 80_000 + b'"}',
    ],
)
def test_no_body_within_the_cap_takes_long(raw: bytes) -> None:
    begun = time.perf_counter()
    try:
        load(raw)
    except UnsafeJson as error:
        assert error.code in {"too_many_values", "too_deep"}
    assert time.perf_counter() - begun < 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
fragments = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", ":", ",", '"a"', '"\\u0000"', '"\\ud800"', "1e999", "NaN", "9" * 30]
    )
).map(lambda parts: "".join(parts).encode())


def assert_safe_or_refused(raw: bytes) -> None:
    try:
        value = loads_object(raw, max_bytes=CAP, allow_array=True)
    except UnsafeJson as error:
        assert error.code
        return
    written = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    assert b"\\u0000" not in written.replace(b"\\\\", b"")
    assert loads_object(written, max_bytes=2 * CAP, allow_array=True, refuse_poison=True) == value
    check(value)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | fragments)
def test_any_bytes_give_a_safe_value_or_a_refusal(raw: bytes) -> None:
    assert_safe_or_refused(raw)


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_any_json_gives_a_safe_value(value: dict[str, Any]) -> None:
    assert_safe_or_refused(json.dumps(value).encode())
    check(scrub(value))
