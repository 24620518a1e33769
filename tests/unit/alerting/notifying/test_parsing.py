"""Both parsers of matchers, and which of them is followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.alerting.notifying.matching import matchers_text
from llm_research_lab.alerting.notifying.parsing import parse_matchers
from llm_research_lab.vocabulary import InvalidError
from llm_research_lab.vocabulary.matchers import Matcher


def read(text, mode):
    """As (name, op, value), or the refusal."""
    try:
        found = parse_matchers(text, mode).matchers
    except InvalidError:
        return "refused"
    return [(one.name, one.op, one.value) for one in found]


A_B = [("a", "=", "b")]

CLASSIC = {
    "": [],
    "{}": [],
    "a=b": A_B,
    "{a=b}": A_B,
    "{a=b": A_B,
    "a=b}": A_B,
    'a="b"': A_B,
    ' a = "b" ': A_B,
    "a=b,": A_B,
    'a="b", ': A_B,
    "a=": [("a", "=", "")],
    'a=""': [("a", "=", "")],
    "a!=b": [("a", "!=", "b")],
    "a=~b.*": [("a", "=~", "b.*")],
    "a!~b": [("a", "!~", "b")],
    "a==b": [("a", "=", "=b")],
    "a:b=c": [("a:b", "=", "c")],
    "a=b c": [("a", "=", "b c")],
    "a=b,c=d": [("a", "=", "b"), ("c", "=", "d")],
    'a="b,c"': [("a", "=", "b,c")],
    r'a="b\",c"': [("a", "=", 'b",c')],
    r'a="b\\",c=d': [("a", "=", "b\\"), ("c", "=", "d")],
    r'a="\n\q\\"': [("a", "=", "\n\\q\\")],
    "a=b\\": [("a", "=", "b\\")],
    'a="b\nc"': [("a", "=", "b\nc")],
    r"a=\,b=c": [("a", "=", "\\"), ("b", "=", "c")],
    "a='b'": [("a", "=", "'b'")],
    "a": "refused",
    "=b": "refused",
    "1a=b": "refused",
    "ä=b": "refused",
    '"a"=b': "refused",
    ",": "refused",
    "a=b,,c=d": "refused",
    'a="b': "refused",
    'a=b"': "refused",
    'a="': "refused",
    r'a="b\"': "refused",
    'a="b"c"': "refused",
    r'a="b\\"c"': "refused",
    "a=~(": "refused",
    "a~b": "refused",
}


@pytest.mark.parametrize(("text", "expected"), CLASSIC.items())
def test_the_classic_parser_takes_what_old_versions_take(text, expected):
    assert read(text, "classic") == expected


UTF8 = {
    "": [],
    "{}": [],
    "{ }": [],
    "a=b": A_B,
    "{a=b}": A_B,
    "{a=b,}": A_B,
    "a=b,": A_B,
    ' { "a" = "b" } ': A_B,
    "ä.b/c=☃": [("ä.b/c", "=", "☃")],
    '"a b"!="c"': [("a b", "!=", "c")],
    'a=~"b,c"': [("a", "=~", "b,c")],
    "a!~b": [("a", "!~", "b")],
    r'a="\n\x41\u00e4"': [("a", "=", "\nAä")],
    'a="\ufffd"': [("a", "=", "\ufffd")],
    "a=b,c=d": [("a", "=", "b"), ("c", "=", "d")],
    "a=": "refused",
    "a": "refused",
    "=b": "refused",
    ",": "refused",
    "{,}": "refused",
    "a=b,,c=d": "refused",
    "{a=b": "refused",
    "a=b}": "refused",
    "{": "refused",
    "}": "refused",
    "{a=b}}": "refused",
    "{a=b}x": "refused",
    "a=b c": "refused",
    "a=b c=d": "refused",
    "a==b": "refused",
    "a=[b]{2}": "refused",
    "a='b'": "refused",
    'a="b': "refused",
    r'a="\q"': "refused",
    r'a="\xff"': "refused",
    'a="b\nc"': "refused",
    "a!b": "refused",
    "a=~(": "refused",
}


@pytest.mark.parametrize(("text", "expected"), UTF8.items())
def test_the_utf8_parser_takes_any_name(text, expected):
    assert read(text, "utf8") == expected


@pytest.mark.parametrize(
    ("text", "expected", "noted"),
    [
        ("a=b", A_B, False),
        ("ä=b", [("ä", "=", "b")], False),
        ("a=b c", [("a", "=", "b c")], True),
        (r'a="\x41"', [("a", "=", r"\x41")], True),
        ("a", "refused", False),
    ],
)
def test_where_parsers_differ_the_classic_one_is_followed_and_it_is_said(text, expected, noted):
    assert read(text, "fallback") == expected
    if expected != "refused":
        assert (parse_matchers(text).note is not None) is noted


def test_notes_say_which_parser_reads_what():
    assert "only the classic parser" in parse_matchers("a=b c").note
    assert "differently" in parse_matchers(r'a="\x41"').note


def test_a_refusal_says_where():
    with pytest.raises(InvalidError) as refusal:
        parse_matchers("a=b c", "utf8")
    assert "expected a comma or close brace at 5 of a=b c" in refusal.value.got


names = st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True)
matchers = st.builds(Matcher, names, st.sampled_from(["=", "!="]), st.text(max_size=8))


@given(st.lists(matchers, max_size=3))
def test_what_is_printed_is_read_back(found):
    printed = matchers_text(found)
    assert list(parse_matchers(printed, "classic").matchers) == found


@given(st.text(alphabet='ab=~!{},"\\ \nä', max_size=12))
def test_any_text_is_read_or_refused(text):
    for mode in ("classic", "utf8", "fallback"):
        read(text, mode)
