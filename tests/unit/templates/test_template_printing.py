"""A value prints as Go's fmt prints it, mistakes in the format included."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.templates import CallError, Function, Record, StringMap
from llm_research_lab.templates.calendar import format_time, time_record
from llm_research_lab.templates.durations import duration_record, format_duration
from llm_research_lab.templates.formatting import sprintf
from llm_research_lab.templates.humanizing import parse_float
from llm_research_lab.templates.printing import show
from llm_research_lab.vocabulary.floats import format_float

MAP = StringMap({"b": "2", "a": "1"})
POINT = Record("*lab.Point", {"X": 1, "S": "a"})


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("%d|%5d|%-5d|%05d|%+d|% d|%+05d", [42] * 7, "42|   42|42   |00042|+42| 42|+0042"),
        ("%x|%X|%#x|%o|%#o|%O|%b|%#b", [255, 255, 255, 8, 8, 8, 5, 5], "ff|FF|0xff|10|010|0o10|101|0b101"),
        ("%c|%q|%U|%#U|%+q|%U|%c|%#U", [65, 65, 65, 65, 228, -42, -1, 0x10FFFF], "A|'A'|U+0041|U+0041 'A'|'\\u00e4'|U+FFFFFFFFFFFFFFD6|\ufffd|U+10FFFF"),
        ("%.3d|%8.3d|%08.3d|%.0d|%#06x", [7, 7, 7, 0, 10], "007|     007|     007||0x00000a"),
        ("%e|%E|%f|%F|%g|%G|%v", [1.5] * 7, "1.500000e+00|1.500000E+00|1.500000|1.500000|1.5|1.5|1.5"),
        ("%.2f|%10.2f|%-10.2f|%010.2f|%+.1f|% .1f|%.f", [-2.5, 2.5, 2.5, -2.5, 2.5, 2.5, 2.5], "-2.50|      2.50|2.50      |-000002.50|+2.5| 2.5|2"),
        ("%x|%X|%.3x|%b|%#x|%#X", [1.5, 1.5, 1.99999, 1.5, 1.5, 1.5], "0x1.8p+00|0X1.8P+00|0x1.000p+01|6755399441055744p-52|0x1.8000p+00|0X1.8P+00"),
        ("%x|%b|%b|%.0x|%x", [0.0, 0.0, -5e-324, 1.75, -0.25], "0x0p+00|0p-1074|-1p-1074|0x1p+01|-0x1p-02"),
        ("%#g|%#.0f|%#e|%#g", [1.5, 2.0, 1e21, 0.0], "1.50000|2.|1.000000e+21|0.00000"),
        ("%v|%f|%+f|% f|%05.1f|%v|%5v|%E", [math.inf, math.inf, math.inf, math.inf, math.inf, -math.inf, math.nan, math.inf], "+Inf|+Inf|+Inf| Inf| +Inf|-Inf|  NaN|+Inf"),
        ("%s|%5s|%-5s|%.2s|%q|%x|%X|% x|%#x|%# x", ["ab"] * 10, 'ab|   ab|ab   |ab|"ab"|6162|6162|61 62|0x6162|0x61 0x62'),
        ("%q|%+q|%#q|%#q|%#v|%.1q|%05s", ["a\n\x01\u200b😀", "ä😀", "x`y", "xy", 'a"', "abc", "ab"], '"a\\n\\x01\\u200b😀"|"\\u00e4\\U0001f600"|"x`y"|`xy`|"a\\""|"a"|000ab'),
        ("%X", ["\xff"], "C3BF"),
        ("%t|%v|%5t|%d|%q", [True, False, True, True, True], "true|false| true|%!d(bool=true)|%!q(bool=true)"),
        ("%d|%s|%5s|%z|%w", ["x", 3, 3, 1.5, MAP], "%!d(string=x)|%!s(int=3)|%!s(int=    3)|%!z(float64=1.5)|%!w(map[string]string=map[a:1 b:2])"),
        ("%d %d", [1], "1 %!d(MISSING)"),
        ("x", [1, None, "a"], "x%!(EXTRA int=1, <nil>, string=a)"),
        ("%", [], "%!(NOVERB)"),
        ("100%% %!", [1], "100% %!!(int=1)"),
        ("%[2]d %[1]d|%[3]d|%[x]d|%[1", [1, 2], "2 1|%!d(BADINDEX)|%!d(BADINDEX)|%!(NOVERB)"),
        ("%[2]*[1]d|%[1]5d|%[1].2d", [2, 5], "    2|%!d(BADINDEX)|%!d(BADINDEX)"),
        ("%*d|%-*d|%*d|%.*f|%9999999d", [5, 1, 5, 1, -3, 1, 2, 3.14159, 7], "    1|1    |1  |3.14|7"),
        ("%*d|%.*f|%.*f", ["x", 1, -1, 2.5], "%!(BADWIDTH)1|%!(BADPREC)2.500000|%!(BADPREC)%!f(MISSING)"),
        ("%v %s %d %T|%5v|%.1T", [None] * 6, "<nil> %!s(<nil>) %!d(<nil>) <nil>|<nil>|<nil>"),
        ("%v|%s|%d|%#v|%q", [MAP] * 5, 'map[a:1 b:2]|map[a:1 b:2]|map[%!d(string=a):%!d(string=1) %!d(string=b):%!d(string=2)]|map[string]string{"a":"1", "b":"2"}|map["a":"1" "b":"2"]'),
        ("%v|%#v|%x|%T", [[1, "a", None]] * 4, '[1 a <nil>]|[]interface {}{1, "a", interface {}(nil)}|[1 61 <nil>]|[]interface {}'),
        ("%v|%+v|%#v|%v|%T", [POINT, POINT, POINT, [POINT], POINT], '&{1 a}|&{X:1 S:a}|&lab.Point{X:1, S:"a"}|[0xc000000000]|*lab.Point'),
        ("%v|%p|%p", [Function(str), MAP, 5], "0xc000000000|0xc000000000|%!p(int=5)"),
        ("%+v|%+d|%s|%d|%v", [3, 3, time_record(0), time_record(0), time_record(5).methods["Hour"].call()], "3|+3|1970-01-01 00:00:00 +0000 UTC|&{}|0"),
        ("%.9999999f", [1.5], "2"),
    ],
)  # fmt: skip
def test_printf_prints_what_gos_fmt_prints(template, values, expected):
    assert sprintf(template, values) == expected


def test_a_value_that_holds_too_many_others_is_refused():
    value = 1
    for _ in range(50):
        value = [value]
    with pytest.raises(CallError, match="nested too deeply"):
        show(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_a_float_is_written_as_reads_back(value):
    read = parse_float(format_float(value, "g"))
    assert struct.pack("d", read) == struct.pack("d", value)


@pytest.mark.parametrize(
    ("nanos", "layout", "expected"),
    [
        (1435065584_128000000, "2006-01-02T15:04:05.000Z07:00 Mon Monday Jan January 1 2 _2 3:04PM pm .999 MST -0700 06 002", "2015-06-23T13:19:44.128Z Tue Tuesday Jun June 6 23 23 1:19PM pm .128 UTC +0000 15 174"),
        (0, "-07:00 -07 -070000 -07:00:00 03 4 5 05 04 AM .999 __2 .00", "+00:00 +00 +000000 +00:00:00 12 0 0 00 00 AM    1 .00"),
        (-62135596800 * 10**9, "2006-01-02", "0001-01-01"),
        (-(2**63), "2006-01-02 15:04:05.999999999 -0700 MST", "1677-09-21 00:12:43.145224192 +0000 UTC"),
    ],
)  # fmt: skip
def test_a_time_is_written_by_gos_layouts(nanos, layout, expected):
    assert format_time(nanos, layout) == expected


def test_a_time_is_taken_apart_as_gos():
    methods = time_record(1435065584_128000000).methods
    assert show(methods["Month"].call()) == "June"
    assert show(methods["Weekday"].call()) == "Tuesday"
    assert methods["Format"].call("2006") == "2015"
    assert methods["UTC"].call().go_type == "time.Time"
    assert [methods[name].call() for name in ("Year", "YearDay", "Unix", "Nanosecond")] == [
        2015,
        174,
        1435065584,
        128000000,
    ]


@pytest.mark.parametrize(
    ("nanos", "expected"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1500, "1.5µs"),
        (2_000_000, "2ms"),
        (1_500_000_000, "1.5s"),
        (-61 * 10**9, "-1m1s"),
        (3600 * 10**9, "1h0m0s"),
    ],
)
def test_a_duration_is_written_as_gos(nanos, expected):
    assert format_duration(nanos) == expected


def test_a_duration_is_taken_apart_as_gos():
    methods = duration_record(-5400.5).methods
    names = ("Hours", "Minutes", "Seconds", "Milliseconds", "Microseconds", "Nanoseconds", "String")
    assert [methods[name].call() for name in names] == [
        -5400.5 / 3600, -5400.5 / 60, -5400.5, -5400500, -5400500000, -5400500000000, "-1h30m0.5s",
    ]  # fmt: skip
    for value, said in ((math.nan, "value is NaN or Inf"), (1e30, "1e\\+30 cannot be represented")):
        with pytest.raises(CallError, match=said):
            duration_record(value)
