"""An action in a page writes what its place lets it: the table of html/template's contexts.

Source: Go, html/template ("Contexts", "Typed Strings"); the cases are our own.
"""

from __future__ import annotations

import math

import pytest

from llm_research_lab.templates import AlertData, NotificationData, expand_notification
from llm_research_lab.templates.html import ESCAPERS

NASTY = 'O\'R <b x="y"> & + `z`\0'


def written(text, value="", files=()):
    data = NotificationData(
        "r", "firing", (AlertData("firing", ()),), common_labels=(("v", value),)
    )
    return expand_notification(text, data, html=True, files=files, now_ms=0)


@pytest.mark.parametrize(
    ("page", "value", "expected"),
    [
        # text
        ("<b>{}</b>", NASTY, "<b>O&#39;R &lt;b x=&#34;y&#34;&gt; &amp; &#43; `z`\ufffd</b>"),
        ("{}", "", ""),
        ("a < b <3 <!x> </ > {}", "<", "a &lt; b &lt;3 &lt;!x> &lt;/ > &lt;"),
        ("<!doctype html>{}", "x", "<!doctype html>x"),
        ("<{}", "b", "&lt;b"),
        ("</{}", "b", "&lt;/b"),
        ("<x-y:z a=1>{}</x-y:z>", "<", "<x-y:z a=1>&lt;</x-y:z>"),
        ("a<!-- {} -->b<!-- x -->", "y", "ab"),
        ("<title>a < {}</title>", "</title><b>", "<title>a &lt; &lt;/title&gt;&lt;b&gt;</title>"),
        ("<textarea></title>{}</textarea>", "<", "<textarea>&lt;/title>&lt;</textarea>"),
        # attributes
        ('<p title="{}">', NASTY, '<p title="O&#39;R &lt;b x=&#34;y&#34;&gt; &amp; &#43; `z`\ufffd">'),
        ("<p title='a {}'>", "'>", "<p title='a &#39;&gt;'>"),
        ("<p title={}>", "a b=`\0\t\ufdd0", "<p title=a&#32;b&#61;&#96;&#xfffd;&#9;&#xfdd0;>"),
        ("<p title={}>", "", "<p title=ZgotmplZ>"),
        ("<p title= {}>", "a b", "<p title= a&#32;b>"),
        ("<p title = x{} class=y>", "a b", "<p title = xa&#32;b class=y>"),
        ("<p {}=1>", "dir", "<p dir=1>"),
        ("<p {}>", "Checked", "<p checked>"),
        ("<p {}=1>", "onclick", "<p ZgotmplZ=1>"),
        ("<p {}=1>", "href", "<p ZgotmplZ=1>"),
        ("<p {}=1>", "value", "<p ZgotmplZ=1>"),
        ("<p {}=1>", "a b", "<p ZgotmplZ=1>"),
        ("<p {}=1>", "", "<p ZgotmplZ=1>"),
        ("<p x {}>", "y", "<p x y>"),
        ("<p x {} = 'y'>", "z", "<p x z = 'y'>"),
        ("<p a{} b>", "x", "<p ax b>"),
        # URLs
        ('<a href="{}">', "javascript:alert(1)", '<a href="#ZgotmplZ">'),
        ('<a href="{}">', " JavaScript:x", '<a href="#ZgotmplZ">'),
        ('<a href="{}">', "vbscript:x", '<a href="#ZgotmplZ">'),
        ('<a href="{}">', "HTTPS://x/a b?c='d'&e", '<a href="HTTPS://x/a%20b?c=%27d%27&amp;e">'),
        ('<a href="{}">', "mailto:a@b", '<a href="mailto:a@b">'),
        ('<a href="{}">', "/x:y", '<a href="/x:y">'),
        ('<a href=" {}">', "javascript:x", '<a href=" #ZgotmplZ">'),
        ('<a href="/x/{}">', "a b%20%zz☺", '<a href="/x/a%20b%20%25zz%e2%98%ba">'),
        ('<a href="?q={}">', "a&b=c/d +☺~", '<a href="?q=a%26b%3dc%2fd%20%2b%e2%98%ba~">'),
        ('<a href="#{}">', "a:b", '<a href="#a%3ab">'),
        ('<a href="&#63;{}">', "a&b", '<a href="&#63;a%26b">'),
        ("<a href={}>", "x y", "<a href=x%20y>"),
        ('<a data-href="{}">', "javascript:x", '<a data-href="#ZgotmplZ">'),
        ('<a xlink:href="{}">', "javascript:x", '<a xlink:href="#ZgotmplZ">'),
        ('<a xmlns:onx="{}">', "javascript:x", '<a xmlns:onx="#ZgotmplZ">'),
        ('<a g:tweetUrl="{}">', "javascript:x", '<a g:tweetUrl="#ZgotmplZ">'),
        ('<img srcset="{}">', "a.png 2x, javascript:x 1x,b c", '<img srcset="a.png 2x,#ZgotmplZ,b c">'),
        ('<img srcset="{}">', " a b$, c☺", '<img srcset="#ZgotmplZ, c%e2%98%ba">'),
        ('<meta http-equiv="refresh" content="0; URL = \'{}\'; {}">', "javascript:x", '<meta http-equiv="refresh" content="0; URL = \'#ZgotmplZ\'; javascript:x">'),
        ("<meta content={} name='{}'>{}", "url=javascript:x", "<meta content=url&#61;javascript:x name='url=javascript:x'>url=javascript:x"),
        # JavaScript
        ("<script>x = {};</script>", "</script>'\u2028", '<script>x = "\\u003c/script\\u003e\'\\u2028";</script>'),
        ("<script>x = '{}'</script>", "'\\\n</script>/\u2029\x01", "<script>x = '\\u0027\\\\\\n\\u003c\\/script\\u003e\\/\\u2029\\u0001'</script>"),
        ('<script>x = "{}"</script>', '"`', '<script>x = "\\u0022\\u0060"</script>'),
        ("<script>x = `a{}`</script>", "${x}`", "<script>x = `a\\u0024\\u007bx\\u007d\\u0060`</script>"),
        ("<script>x = `${ {} + {a: {}} } {}` / 2</script>", "$", '<script>x = `${ "$" + {a: "$"} } \\u0024` / 2</script>'),
        ("<script>x = /{}/g</script>", "a.b*[c]/", "<script>x = /a\\.b\\*\\[c\\]\\//g</script>"),
        ("<script>x = /{}/g</script>", "", "<script>x = /(?:)/g</script>"),
        ("<script>x = /[/]{}/g</script>", "/", "<script>x = /[/]\\//g</script>"),
        ("<script>x = 1 / {}</script>", "/", '<script>x = 1 / "/"</script>'),
        ("<script>x = y / 2 / {}</script>", "/", '<script>x = y / 2 / "/"</script>'),
        ("<script>x = {} / 2</script>", "a", '<script>x = "a" / 2</script>'),
        ("<script>x++ /{}/ 2; y = -/{}/</script>", "a", '<script>x++ /"a"/ 2; y = -/a/</script>'),
        ("<script>f(1. /{}); g(./{}/)</script>", "a", '<script>f(1. /"a"); g(./a/)</script>'),
        ("<script>return /{}/; } /{}/; a /{}/ 1</script>", "a", '<script>return /a/; } /a/; a /"a"/ 1</script>'),
        ("<script>a // {} x\nb /* {} */ c /* \n{} */ d</script>", "y", "<script>a \nb    c \n  d</script>"),
        ("<script>a <!-- {}\nb --> {}\nc #! {}\nd</script>", "y", "<script>a \nb \nc \nd</script>"),
        ("<script>'<script </script> <!--' + '{}'</script>", "x", "<script>'\\x3Cscript \\x3C/script> \\x3C!--' + 'x'</script>"),
        ("<script>x = /<\\/a</script>/ + {}</script>", "x", '<script>x = /<\\/a\\x3C/script>/ + "x"</script>'),
        ("<script>'\\'{}'</script>", "x", "<script>'\\'x'</script>"),
        ("<script type='text/x-template'><b>{}</b></script>", "<", "<script type='text/x-template'><b>&lt;</b></script>"),
        ("<script type='Application/LD+JSON; x'>{}</script>", "<", "<script type='Application/LD+JSON; x'>\"\\u003c\"</script>"),
        ('<b onclick="f({})">', "'\"<", '<b onclick="f(&#34;&#39;\\&#34;\\u003c&#34;)">'),
        ("<b onclick=\"f('{}')\">", "'\"<", "<b onclick=\"f('\\u0027\\u0022\\u003c')\">"),
        ("<b onclick='f(&quot;{}&quot;)'>", '"', "<b onclick='f(&quot;\\u0022&quot;)'>"),
        # CSS
        ("<style>p { color: {} }</style>", "red", "<style>p { color: red }</style>"),
        ("<style>p { color: {} }</style>", "a;b", "<style>p { color: ZgotmplZ }</style>"),
        ("<style>p { color: {} }</style>", "</style>", "<style>p { color: ZgotmplZ }</style>"),
        ("<style>p { color: {} }</style>", "exp\\72 ession", "<style>p { color: ZgotmplZ }</style>"),
        ("<style>p { color: {} }</style>", "-moz-binding", "<style>p { color: ZgotmplZ }</style>"),
        ("<style>p { color: {} }</style>", "a--b", "<style>p { color: ZgotmplZ }</style>"),
        ("<style>p { color: {} }</style>", "#a0B 10px 25% .x", "<style>p { color: #a0B 10px 25% .x }</style>"),
        ("<style>p { color: {} }</style>", "\\1F600 \\d800 \\110000 0\\", "<style>p { color: 😀\ufffd\U000110000 0 }</style>"),
        ("<style>p { x: '{}' }</style>", "a'b\\ 9:", "<style>p { x: '#ZgotmplZ' }</style>"),
        ("<style>p { x: 'y{}' }</style>", "a'b\\ (9", "<style>p { x: 'ya\\27 b\\\\ \\28 9' }</style>"),
        ('<style>p { x: "y{}z" }</style>', "a/", '<style>p { x: "ya\\2f z" }</style>'),
        ("<style>p { background: url({}) }</style>", "javascript:x", "<style>p { background: url(#ZgotmplZ) }</style>"),
        ("<style>p { background: URL ( '{}' ) }</style>", "a')", "<style>p { background: URL ( 'a%27%29' ) }</style>"),
        ('<style>p { background: url("/x?{}") }</style>', "a&b", '<style>p { background: url("/x?a%26b") }</style>'),
        ("<style>p { background: url(/\\3F{}) }</style>", "a&b", "<style>p { background: url(/\\3Fa%26b) }</style>"),
        ("<style>p { background: curl({}) }</style>", "a", "<style>p { background: curl(a) }</style>"),
        ("<style>p { width: calc({} + 1px) }</style>", "2px", "<style>p { width: calc(2px + 1px) }</style>"),
        ("<style>url(a b){}</style>", ";", "<style>url(a b)ZgotmplZ</style>"),
        ("<style>a /* {} */ b // {}\n c / d</style>", "y", "<style>a    b \n c / d</style>"),
        ("<style>'\\'{}'</style>", "x", "<style>'\\'x'</style>"),
        ('<p style="color: {}">', "red", '<p style="color: red">'),
        ("<p style='/* {} */'>", "x", "<p style='/*  */'>"),
        ("<p style='color: {}'>", "a'b", "<p style='color: ZgotmplZ'>"),
    ],
)  # fmt: skip
def test_a_value_is_escaped_for_the_place_where_it_stands(page, value, expected):
    assert written(page.replace("{}", "{{ .CommonLabels.v }}"), value) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('{{ safeHtml "<i>&amp;</i>" }}', "<i>&amp;</i>"),
        ('<p title="{{ safeHtml "<i a=\'>\'>x</i>&amp;<!-- y --><script>z</script>w" }}">', '<p title="x&amp;w">'),
        ('<p title="{{ safeHtml "1 < 2 &lt; <b" }}">', '<p title="1 &lt; 2 &lt; &lt;b">'),
        ("<p title=\"{{ safeHtml \"a<b '>c\" }}\">", '<p title="a">'),
        ('<p title="{{ safeHtml "a<b c=\'d" }}">', '<p title="a">'),
        ('<p title="{{ safeHtml "<b c=d e>f" }}">', '<p title="f">'),
        ('<p title="{{ safeHtml "x y" }}">', '<p title="x y">'),
        ('<p title={{ safeHtml "x <i>y</i>" }}>', "<p title=x&#32;y>"),
        ('<title>{{ safeHtml "<i>&amp;" }}</title>', "<title>&lt;i&gt;&amp;</title>"),
        ('<script>{{ safeHtml "<i>" }}</script>', '<script>"\\u003ci\\u003e"</script>'),
        ('<a href="{{ safeUrl "javascript:x\'" }}">', '<a href="javascript:x%27">'),
        ('<a href="/?{{ safeUrl "a=b&c=%20" }}">', '<a href="/?a=b&amp;c=%20">'),
        ('<img srcset="{{ safeUrl "javascript:a, b" }}">', '<img srcset="javascript:a%2c%20b">'),
        ('{{ safeUrl "<x>" }}', "&lt;x&gt;"),
        # escapers that the template calls itself
        ('{{ "<x>" | html }}', "&lt;x&gt;"),
        ('{{ html "<x>" }}', "&lt;x&gt;"),
        ('{{ html "<x>" 1 nil }}', "&lt;x&gt;1 &lt;nil&gt;"),
        ('<p title="{{ "<x>" | html }}">', '<p title="&lt;x&gt;">'),
        ('<a href="?{{ "a b" | urlquery }}">', '<a href="?a&#43;b">'),
        ('<a href="{{ "a b/" | urlquery }}">', '<a href="a&#43;b%2F">'),
        ('{{ "<x>" | urlquery }}', "%3Cx%3E"),
        ('<script>{{ "<x>" | html }}</script>', '<script>"\\u0026lt;x\\u0026gt;"</script>'),
        # values that are no text
        ("<script>x = {{ 5 }}{{ index (list nil) 0 }}{{ true }}{{ 1.5 }}</script>", "<script>x =  5  null  true  1.5 </script>"),
        ('<script>x = {{ list 1 nil "a" }}</script>', '<script>x = [1,null,"a"]</script>'),
        ('<script>x = {{ dict "b" 1 "a" (list) }}</script>', '<script>x = {"a":[],"b":1}</script>'),
        ("<script>x = {{ .GroupLabels }}{{ (index .Alerts 0).Labels.SortedPairs }}</script>", '<script>x = """"</script>'),
        ("<script>x = {{ (index .Alerts 0).StartsAt }}</script>", '<script>x = "1970-01-01T00:00:00Z"</script>'),
        ("<script>x = {{ (index .Alerts 0).StartsAt.Month }}</script>", '<script>x = "January"</script>'),
        ("{{ index (list nil) 0 }}{{ .Alerts.Resolved }}{{ 1e21 }}", "[]1e&#43;21"),
        ("<p title='{{ index (list nil) 0 }}'>", "<p title=''>"),
        # what takes no value
        ("{{ $x := `<` }}{{ $x }}", "&lt;"),
        ("<p title='{{ $x := 1 }}'>", "<p title=''>"),
        # branches
        ("<p title={{ if .Status }}a{{ else }}b{{ end }}>", "<p title=a>"),
        ("<p title={{ if .Status }}{{ .Status }}{{ end }}>", "<p title=firing>"),
        ("{{ if .Status }}<b>{{ else }}</b>{{ end }}", "<b>"),
        ("{{ with .Status }}<{{ . }}{{ end }}", "&lt;firing"),
        ("<a href='{{ if .Status }}/x{{ else }}?y{{ end }}'>", "<a href='/x'>"),
        ("<script>{{ if .Status }}x{{ else }};{{ end }} + {{ 1 }}</script>", "<script>x +  1 </script>"),
        ("{{ range .Alerts }}<b {{ .Status }}>{{ end }}", "<b firing>"),
        ("<script>{{ range .Alerts }}{{ .Status }},{{ end }}</script>", '<script>"firing",</script>'),
        ("{{ range .Alerts }}{{ if .Status }}{{ continue }}{{ else }}{{ break }}{{ end }}<{{ end }}", ""),
        ("{{ range .Alerts }}{{ break }}<a href='{{ end }}x", "x"),
        ("{{ range .Alerts.Resolved }}x{{ else }}<{{ end }}", "&lt;"),
        # templates by name, in each context
        ('{{ define "x" }}{{ . }}{{ end }}{{ template "x" "<" }}<p title="{{ template "x" "<" }}"><script>{{ template "x" "<" }}</script>', '&lt;<p title="&lt;"><script>"\\u003c"</script>'),
        ('{{ define "x" }}{{ . }}{{ end }}<a href="{{ template "x" "javascript:" }}?{{ template "x" "&" }}">', '<a href="#ZgotmplZ?%26">'),
        ('{{ define "x" }}{{ if . }}<{{ template "x" (slice . 1) }}>{{ end }}{{ end }}{{ template "x" "ab" }}', "&lt;&lt;>>"),
        ('{{ define "x" }}<p title="{{ . }}{{ end }}{{ template "x" 1 }}">{{ template "x" "<" }}">', '<p title="1"><p title="&lt;">'),
        ('<script>{{ define "x" }}{{ if . }}{{ template "x" false }}{{ . }}{{ else }}1{{ end }}{{ end }}{{ template "x" true }} / 2 / {{ 3 }}</script>', "<script>1 true  / 2 /  3 </script>"),
    ],
)  # fmt: skip
def test_what_is_trusted_chosen_repeated_or_shared_is_escaped_too(page, expected):
    assert written(page) == expected


def test_a_number_that_javascript_has_as_a_word_is_null_there():
    written_value = ESCAPERS["_html_template_jsvalescaper"].call
    assert written_value(math.nan) == " /* json: unsupported value: NaN */null "
    assert written_value(1, "a") == '"1a"'
