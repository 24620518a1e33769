"""A page whose actions cannot be escaped for one place is refused there, before it is written."""

from __future__ import annotations

import pytest

from llm_research_lab.templates import NotificationData, check_notification, expand_notification
from llm_research_lab.templates.html import escape
from llm_research_lab.templates.html.errors import EscapingError
from llm_research_lab.templates.nodes import Text
from llm_research_lab.vocabulary import InvalidError

DATA = NotificationData("r", "firing")


@pytest.mark.parametrize(
    ("page", "where", "got"),
    [
        ("<a href='", "1:10", "ends in a non-text context: url in single quotes"),
        ("<p {{ .Status }}", "1:7", "ends in a non-text context: attribute name"),
        ("<!-- x", "1:7", "ends in a non-text context: comment"),
        ("<script>'</script>", "1:19", "ends in a non-text context: js single script"),
        ("<script>`${", "1:12", "ends in a non-text context: js script"),
        ("<b>\n<p 'x'>", "2:4", '"\'" in attribute name: " \'x\'>"'),
        ("<p a'>", "1:5", '"\'" in attribute name: " a\'>"'),
        ("<p =x>", "1:4", 'expected space, attr name, or end of tag, but got "=x>"'),
        ("<p a=b'c>", "1:7", '"\'" in unquoted attr: "b\'c"'),
        ("<p a=b`{{ .Status }}>", "1:7", '"`" in unquoted attr: "b`"'),
        ("<script>'\\{{ .Status }}'</script>", "1:10", 'unfinished escape sequence in JS string: "\\\\"'),
        ("<script>`\\{{ .Status }}`</script>", "1:10", 'unfinished escape sequence in JS string: "\\\\"'),
        ("<script>/[{{ .Status }}]/</script>", "1:10", 'unfinished JS regexp charset: "["'),
        ("<style>'\\{{ .Status }}'</style>", "1:9", 'unfinished escape sequence in CSS string: "\\\\"'),
        ("<b onclick=\"'\\{{ .Status }}'\">", "1:13", 'unfinished escape sequence in JS string: "\\\\"'),
        ("<script>{{ if .Status }}x{{ else }};{{ end }}/ {{ 1 }}</script>", "1:46", "'/' could start a division or regexp: \"/ \""),
        ("<a href='{{ if .Status }}/{{ else }}?{{ end }}{{ .Status }}'>", "1:50", "{{.Status}} appears in an ambiguous context within a URL"),
        ("{{ if .Status }}<p{{ end }}>", "1:7", "{{if}} branches end in different contexts: tag, text"),
        ("{{ with .Status }}<p {{ else }}x{{ end }}>", "1:9", "{{with}} branches end in different contexts: tag, text"),
        ("<p {{ if .Status }}a=1{{ end }}>", "1:10", "{{if}} branches end in different contexts: attribute in space quotes, tag"),
        ("{{ range .Alerts }}<!--{{ end }}", "1:10", "{{range}} branches end in different contexts: comment, text"),
        ("<p title={{ range .Alerts }}{{ .Status }} a='{{ end }}>", None, "on range loop re-entry: "),
        ("{{ range .Alerts }}{{ if .Status }}<p{{ break }}{{ end }}{{ end }}", "1:41", "at range loop break or continue: "),
        ("{{ .Status | html | printf }}", "1:4", 'predefined escaper "html" disallowed in template'),
        ("<p title={{ .Status | html }}>", "1:13", 'predefined escaper "html" disallowed in template'),
        ('{{ template "x" }}', "1:13", 'no such template "x"'),
        ('{{ define "a" }}\n{{ template "x" }}{{ end }}{{ template "a" }}', "2:13", 'no such template "x"'),
        ('{{ define "x" }}{{ template "x" }}<p a="{{ end }}{{ template "x" }}', "1:62", 'cannot compute output context for template "x"'),
        ('{{ define "x" }}<p {{ end }}{{ template "x" }}', "1:41", "ends in a non-text context: tag"),
    ],
)  # fmt: skip
def test_what_would_mean_two_things_is_refused_where_it_stands(page, where, got):
    with pytest.raises(InvalidError) as caught:
        expand_notification(page, DATA, html=True, now_ms=0)
    assert where is None or caught.value.where == where
    assert caught.value.got.startswith(got)


def test_a_mistake_in_a_file_says_in_which():
    files = ("a", "{{ define `x` }}\n<p 'y'>{{ end }}")
    with pytest.raises(InvalidError) as caught:
        check_notification("{{ template `x` }}", html=True, files=files)
    assert caught.value.where == "files[1]:2:4"


@pytest.mark.parametrize("text", ["<b>" * 150_000, '<b onclick="' + "''" * 75_000])
def test_a_page_that_takes_too_long_to_escape_is_refused(text):
    with pytest.raises(EscapingError, match="takes too long"):
        escape({"": (Text(0, text),)}, "")


def test_a_page_that_loops_in_loops_is_refused_in_time():
    page = "<p title={{ range .Alerts }}" * 40 + "{{ .Status }}" + "{{ end }}" * 40
    with pytest.raises(InvalidError):
        check_notification(page, html=True)


def test_a_page_of_templates_in_templates_is_refused_in_time():
    page = "{{ template `0` }}" + "".join(
        f"{{{{ define `{at}` }}}}{'{{ range .Alerts }}' * 9}{{{{ template `{at + 1}` }}}}{'{{ end }}' * 9}{{{{ end }}}}"
        for at in range(300)
    )
    with pytest.raises(InvalidError, match="maximum nesting"):
        check_notification(page, html=True)


def test_only_what_is_used_is_looked_at():
    page = "{{ define `x` }}<p 'y'>{{ end }}{{ define `e` }}{{ end }}a{{ template `e` }}"
    assert expand_notification(page, DATA, html=True, now_ms=0) == "a"
