"""Whatever the data, a page keeps its structure: tags, attributes and schemes are the template's."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from llm_research_lab.templates import AlertData, NotificationData, expand_notification
from llm_research_lab.vocabulary import InvalidError

PAGE = """
<html><head><title>{{ .Status }}</title><style>p { color: {{ .Status }}; x: '{{ .Status }}' }</style>
</head><body class={{ .Status }} onload="f('{{ .Status }}', {{ .Status }})">
<!-- {{ .Status }} -->
<p title="{{ .Status }}" lang='{{ .Status }}' style="width: {{ .Status }}" {{ .Status }}=1>{{ .Status }}
<a href="{{ .Status }}">x</a><a href='/x/{{ .Status }}?q={{ .Status }}#{{ .Status }}'>{{ .Status }}</a>
<a href={{ .Status }} data-src="{{ .Status }}">y</a><img srcset="{{ .Status }}, {{ .Status }} 2x">
<div style="background: url({{ .Status }})" id={{ .Status }}>{{ .Status }}</div>
{{ range .Alerts }}<b title="{{ .Status }}">{{ .Status }}</b>{{ end }}
{{ define "cell" }}<td headers="{{ . }}">{{ . }}</td>{{ end }}{{ template "cell" .Status }}
<textarea>{{ .Status }}</textarea>
<script>var a = {{ .Status }}, b = '{{ .Status }}', c = /{{ .Status }}/, d = `{{ .Status }}`; // {{ .Status }}
</script></body></html>
"""
PIECES = st.sampled_from(
    [
        "<", ">", '"', "'", "`", "=", "&", "/", "\\", " ", "\n", "\0", ";", ":", "(", ")", "{", "}",
        "</script>", "</style>", "</title>", "</textarea>", "<!--", "-->", "]]>", "<script>", "*/",
        "javascript:", "JaVaScRiPt:", "data:text/html,", "vbscript:", "onclick=", "style=", "&quot;",
        "&#34;", "&lt;", "expression(", "url(", "\u2028", "${", "%22", "a", "x y", "1",
    ]
)  # fmt: skip
VALUES = st.one_of(st.text(max_size=20), st.lists(PIECES, max_size=8).map("".join))
# Python's parser takes any white space of Unicode for HTML's, where no quotes are.
PARSED = VALUES.map(lambda text: "".join(c for c in text if c in " \t\n\f\r" or not c.isspace()))
SCHEME = re.compile(r"[\x00-\x20]*(?!https?:|mailto:)[a-z][^/?#]*:", re.IGNORECASE)
URLS = ("href", "src", "data-src")


class Structure(HTMLParser):
    """The tags of a page and the names of their attributes; what URLs and texts it has."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.shape, self.urls, self.values, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        # The one attribute whose name comes from the data stands for itself.
        names = [name for name, _ in attrs]
        self.shape.append((tag, len(names), [n for n in names if n in KNOWN]))
        self.urls += [value for name, value in attrs if name in URLS]
        self.urls += [
            part for name, value in attrs if name == "srcset" for part in value.split(",")
        ]
        self.values += [value for name, value in attrs if name in ("title", "lang", "headers")]

    def handle_endtag(self, tag):
        self.shape.append(f"/{tag}")

    def handle_comment(self, data):
        self.shape.append(("comment", data))

    def handle_data(self, data):
        self.texts.append(data)


KNOWN = {"class", "onload", "title", "lang", "style", "href", "data-src", "srcset", "id", "headers"}


def read(value, page=PAGE):
    data = NotificationData("r", value, (AlertData(value, ()),))
    structure = Structure()
    structure.feed(expand_notification(page, data, html=True, now_ms=0))
    structure.close()
    return structure


HARMLESS = read("abc")


@given(PARSED)
@example("javascript:alert(1)")
@example("\"'><script>alert(1)</script>")
@example("-->")
@example("x y=z onclick=f()")
def test_no_data_changes_the_tags_and_attributes_of_a_page(value):
    assert read(value).shape == HARMLESS.shape


@given(PARSED)
@example("javascript:alert(1)")
@example(" \tjavascript:alert(1)")
def test_no_url_has_a_scheme_that_acts(value):
    assert [url for url in read(value).urls if SCHEME.match(url)] == []


@given(PARSED.filter(lambda text: "\0" not in text and "\r" not in text))
def test_what_an_attribute_or_a_text_holds_is_what_the_data_was(value):
    page = read(value)
    assert set(page.values) == {value}
    assert value in "".join(page.texts)


@given(VALUES)
def test_a_literal_of_a_script_holds_no_sign_that_ends_it(value):
    page = "<script>'{{ .Status }}'\"{{ .Status }}\"`{{ .Status }}`</script>"
    data = NotificationData("r", value)
    written = expand_notification(page, data, html=True, now_ms=0)
    inner = written.removeprefix("<script>").removesuffix("</script>")
    single, double, template = re.fullmatch(
        r"'((?:[^'\\\n]|\\.)*)'\"((?:[^\"\\\n]|\\.)*)\"`((?:[^`\\$]|\\.)*)`", inner
    ).groups()
    assert "<" not in single + double + template


@given(st.lists(st.sampled_from(["<b>", "</b>", "x", "<!-- c -->", '<i a="', "'", '">', "{{ . }}", "{{ .Status }}", "<script>", "</script>", "/", "`", "<style>", "url("]), max_size=8).map("".join), VALUES)  # fmt: skip
def test_a_page_is_written_or_refused_and_nothing_else(page, value):
    data = NotificationData("r", value)
    try:
        expand_notification(page, data, html=True, now_ms=0)
    except InvalidError as error:
        where = error.where
    else:
        where = "1:1"
    assert re.fullmatch(r"\d+:\d+", where)
