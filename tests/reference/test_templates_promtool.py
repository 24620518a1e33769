"""Annotations expand as Prometheus expands them: promtool's unit test expects what ours gives.

One rule an alert, many alerts a run; promtool accepts the same templates as `check_annotation`.
"""

from __future__ import annotations

import json
import math
import random
import re
import subprocess

import pytest
from tests.servers.prometheus_server import found

from llm_research_lab.templates import NeedMore, check_annotation, expand_annotations
from llm_research_lab.vocabulary.errors import InvalidError

VALUES = [
    0.0,
    1.0,
    -1.0,
    1.5,
    0.1,
    100.0,
    999.95,
    1000.0,
    1023.9,
    1024.0,
    123456.789,
    1e6,
    2.1e7,
    59.9,
    60.0,
    61.5,
    3600.0,
    86399.0,
    86400.0,
    90061.0,
    1e9,
    1.5e12,
    1e15,
    1e20,
    1e21,
    1e24,
    1e27,
    1e-3,
    0.001234,
    1.23456e-7,
    1e-12,
    1e-24,
    5e-27,
    -0.5,
    -61.0,
    -1e4,
    -2e-5,
    1e308,
    math.nan,
    math.inf,
    -math.inf,
    1435065584.128,
    1700000000.0,
    -62135596800.0,
    5e-324,
]

ANSWERS = {
    "y": [
        ((("__name__", "y"), ("i", "1"), ("z", "b")), 1.0),
        ((("__name__", "y"), ("i", "2"), ("z", "a")), 2.5),
        ((("__name__", "y"), ("i", "3"), ("z", "c")), 1e9),
    ],
    'y{i="2"}': [((("__name__", "y"), ("i", "2"), ("z", "a")), 2.5)],
    "y > 1e12": [],
    "sum(y) by (none)": [((), 1000000003.5)],
    "scalar(y)": [((), math.nan)],
}
BACKWARDS = {text: answer[::-1] for text, answer in ANSWERS.items()}
"""An instant query has no order."""

LABELS = (("__name__", "x"), ("host", "web-1.example.org:9100"), ("name", "läb <b>'q'</b>"))
EXTERNAL = (("region", "eu"), ("replica", "a"))
URL = "http://prometheus.example.org:9090/base"

TEXTS = r"""
plain text
{{ $value }}|{{ .Value }}|{{$labels.host}}|{{ $labels }}|{{ .Labels.name }}|{{ $externalLabels }}
{{ .ExternalLabels.region }}|{{ $externalURL }}|{{ .ExternalURL }}
{{ $labels.missing }}|{{ .Labels.missing.more }}
{{ humanize $value }}|{{ humanize1024 $value }}|{{ humanizeDuration $value }}
{{ humanizePercentage $value }}
{{ humanizeTimestamp $value }}
{{ toTime $value }}
{{ $value | humanize | toUpper | printf "%10s|" }}
{{ printf "%v|%+v|%#v|%T" $value $value $value $value }}
{{ printf "%e|%E|%f|%F|%g|%G" $value $value $value $value $value $value }}
{{ printf "%.0f|%.2f|%.3e|%.4g|%10.2f|%-10.2f|%010.2f|%+.1f|% .1f" $value $value $value $value $value $value $value $value $value }}
{{ printf "%x|%X|%.3x|%20x" $value $value $value $value }}
{{ printf "%6.3g|%-8v|%08v|%+08g|%+v" $value $value $value $value $value }}
{{ printf "%d|%s|%q|%t|%c|%U" $value $value $value $value $value $value }}
{{ if $value }}yes{{ else }}no{{ end }}
{{ if gt $value 100.0 }}big{{ else if lt $value 0.0 }}below{{ else if eq $value 0.0 1.0 }}one{{ else }}some{{ end }}
{{ if and (ge $value 1.0) (le $value 1000.0) }}in{{ end }}{{ if or (lt $value 1.0) (not true) }}out{{ end }}
{{ with $labels.host }}host {{ . }}{{ else }}none{{ end }}{{ with $labels.nope }}x{{ else }}no{{ end }}
{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}
{{ range $v := .ExternalLabels }}{{ $v }},{{ else }}none{{ end }}
{{ range $i, $e := query "y" | sortByLabel "i" }}{{ $i }}:{{ $e.Labels.i }}={{ $e.Value }} {{ end }}
{{ range query "y" | sortByLabel "z" }}{{ .Labels.z }}{{ .Value | humanize }} {{ end }}
{{ range sortByLabel "i" (query "y") }}{{ if eq .Labels.i "2" }}{{ break }}{{ end }}{{ . }}{{ end }}
{{ range sortByLabel "i" (query "y") }}{{ if eq .Labels.i "2" }}{{ continue }}{{ end }}{{ .Value }};{{ end }}
{{ with query "y > 1e12" }}{{ . | first | value }}{{ else }}nothing{{ end }}
{{ query "y > 1e12" | first | value }}
{{ (query "sum(y) by (none)" | first).Value }}|{{ query "scalar(y)" | first | value | humanize }}
{{ query "y{i=\"2\"}" | first | label "z" }}|{{ query "y{i=\"2\"}" | first | strvalue }}|{{ len (query "y") }}
{{ query "y{i=\"2\"}" | first }}|{{ printf "%v" (query "y > 1e12") }}|{{ printf "%T" (query "y") }}
{{ $x := 1 }}{{ $x = 2 }}{{ $x }}{{ if true }}{{ $x = 3 }}{{ $x := 4 }}{{ $x }}{{ end }}{{ $x }}
{{- " trimmed " -}}   x   {{- /* comment */ -}}   y {{/* c */}} z
{{ "quoted \"str\" \n \t \x41 \101 \u00e4 \U0001F600" }}|{{ `raw \n "` }}|{{ 'a' }}|{{ '\n' }}|{{ '\'' }}|{{ 'ä' }}
{{ 1 }} {{ -1 }} {{ +1 }} {{ 0x1F }} {{ 0o17 }} {{ 017 }} {{ 0b11 }} {{ 1_000 }} {{ 1.5 }} {{ .5 }} {{ 5. }} {{ 1e3 }} {{ 1E-3 }} {{ 0x1p4 }} {{ 0x1.8p1 }} {{ -0x10 }} {{ 1e21 }}
{{ true }} {{ false }} {{ not true }} {{ not 0 }} {{ not "" }} {{ not "x" }} {{ not nil }}
{{ and 1 0 2 }} {{ and 1 2 }} {{ or 0 "" "x" }} {{ or 0 "" }} {{ and true (or false "z") }}
{{ and 0 (first (query "y > 1e12")) }}|{{ or 1 (first (query "y > 1e12")) }}
{{ eq 1 1 }} {{ ne 1 2 }} {{ lt "a" "b" }} {{ le 1 1 }} {{ gt 2 1 }} {{ ge "b" "a" }} {{ eq "a" "b" "a" }} {{ eq 'a' 97 }} {{ eq true true }} {{ eq nil nil }} {{ eq 1 nil }}
{{ lt "ä" "z" }} {{ eq .Labels.nope "" }}
{{ len "abcä" }} {{ len .Labels }} {{ len (args 1 2) }}
{{ index .Labels "host" }}|{{ index .Labels "nope" }}|{{ index "abc" 1 }}|{{ index (query "y{i=\"2\"}") 0 }}|{{ .Labels | len }}
{{ slice "abcdef" 1 3 }} {{ slice "abcdef" 2 }} {{ slice "abcdef" }}
{{ print 1 2 "a" "b" 3 4.5 nil true }}|{{ println "a" 1 }}|{{ print }}|{{ print "a" 1 2 "b" }}
{{ html "<a href='x'>&\"</a>" }}|{{ js "it's \"x\" <b> = & \n ä" }}|{{ urlquery "a b&c=d/é?~-_.!*()" }}|{{ html 1 nil "x" }}
{{ "x" | printf "%s-%s" "y" }}|{{ "a" | eq "a" }}|{{ 3 | lt 2 }}
{{ printf "%d|%5d|%-5d|%05d|%+d|% d|%x|%X|%#x|%o|%#o|%O|%b|%c|%q|%U|%#U" 42 42 42 42 42 42 255 255 255 8 8 8 5 65 65 65 65 }}
{{ printf "%d|%05d|%+05d|%x|%.3d|%8.3d|%-8.3d|%08.3d|%.0d" -42 -42 42 -255 7 7 7 7 0 }}
{{ printf "%#06x|%#-8x|%#8x|%+q|%#q|%#q|% d" 10 10 10 "ä☺" "x`y" "xy" -5 }}
{{ printf "%s|%10s|%-10s|%.2s|%5.1s|%q|%x|%X|% x|%#x|%# x|%v|%+v|%#v|%T|%05s" "ab☺" "ab☺" "ab☺" "ab☺" "ab☺" "a\"b" "hi" "hi" "hi" "hi" "hi" "v" "v" "v" "v" "ab" }}
{{ printf "%t|%v|%5t|%q|%d" true false true true true }}
{{ printf "%d %s" "x" 3 }}|{{ printf "%d" }}|{{ printf "x" 1 "a" nil 2.5 }}|{{ printf "%!" }}|{{ printf "%z" 1 }}|{{ printf "%" }}|{{ printf "%%" }}|{{ printf "100%" }}
{{ printf "%[2]d %[1]d" 1 2 }}|{{ printf "%[3]d" 1 2 }}|{{ printf "%[x]d" 1 }}|{{ printf "%[1]d %d" 1 2 }}|{{ printf "%[2]*[1]d" 2 5 }}|{{ printf "%[1" 1 }}
{{ printf "%*d|%-*d|%.*f|%*.*f" 5 1 5 1 2 3.14159 8 3 3.14159 }}|{{ printf "%*d" "x" 1 }}|{{ printf "%.*f" -1 2.5 }}|{{ printf "%*d" -5 1 }}|{{ printf "%.f|%5.f" 2.5 2.5 }}
{{ printf "%v %s %d %T" nil nil nil nil }}|{{ printf "%5v|" nil }}
{{ printf "%v|%s|%q|%d|%x|%T|%#v|%+v" .Labels .Labels .ExternalLabels .ExternalLabels .ExternalLabels .Labels .ExternalLabels .ExternalLabels }}
{{ printf "%v|%#v|%T" (args 1 "a" 2.5 nil true) (args 1 "a") (args) }}|{{ args 1 }}|{{ (args 1 2).arg1 }}|{{ (args 1).arg7 }}
{{ printf "%e|%g|%f|%6.2f%%" 1.0 1e6 1e6 12.3456 }}|{{ printf "%f" 1 }}|{{ printf "%d" 1.5 }}|{{ printf "%t" 1 }}
{{ title "hello world foo-bar foo_bar éa x" }}|{{ toUpper "straße é" }}|{{ toLower "ÀB İ" }}
{{ toUpper $labels.name }}
{{ stripPort $labels.host }}|{{ stripDomain $labels.host }}|{{ stripPort "[::1]:80" }}|{{ stripPort "::1" }}|{{ stripDomain "[::1]:80" }}|{{ stripDomain "192.0.2.1:80" }}|{{ stripDomain "a.b.c" }}|{{ stripDomain "::1" }}|{{ stripPort "a:b:c" }}|{{ stripPort "x" }}|{{ stripPort "[a]b:1" }}
{{ match "^web" $labels.host }}|{{ match "a.c" "xabcx" }}|{{ match "^$" "" }}
{{ reReplaceAll "(.*)\\.(.*)" "$2.$1" $labels.host }}|{{ reReplaceAll "a*" "-" "baac" }}|{{ reReplaceAll "(?P<x>b)" "<${x}$1$$>$y" "abc" }}|{{ reReplaceAll "b" "$1x$" "abc" }}|{{ reReplaceAll "" "." "äb" }}
{{ graphLink "up == 1 and x{a=\"b\"}" }}|{{ tableLink "sum(rate(x[5m])) + 1" }}
{{ parseDuration "1h30m" }}|{{ parseDuration "1d" }}|{{ parseDuration "5ms" }}|{{ parseDuration "0" }}
{{ safeHtml "<b>" }}|{{ "<b>" }}
{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" $value }}{{ template "t" }}{{ template "t" .Labels.host }}
{{ define "l" }}{{ range $k, $v := . }}{{ $k }}:{{ template "i" $v }}{{ end }}{{ end }}{{ define "i" }}<{{ . }}>{{ end }}{{ template "l" .ExternalLabels }}
{{ block "b" 5 }}block {{ . }}{{ end }}{{ template "b" 6 }}
{{ (toTime 1435065584.128).Format "2006-01-02T15:04:05.000Z07:00 Mon Monday Jan January 1 2 _2 3:04PM pm .999 MST -0700 06 002" }}
{{ (toTime 1435065584.128).Year }} {{ (toTime 1435065584).Month }} {{ (toTime 0).Weekday }} {{ (toTime 5).Unix }} {{ (toTime 0.5).UTC }} {{ (toTime 86400).YearDay }} {{ ((toTime 3661).Hour) }} {{ (toTime 61).Minute }} {{ (toTime -1).Second }} {{ (toTime 1).Day }}
{{ humanize "12345" }}|{{ humanize 5 }}|{{ humanizeDuration "90" }}|{{ humanizePercentage "0.5" }}|{{ humanize1024 2048 }}|{{ humanizeTimestamp "0" }}
{{ with $x := 5 }}{{ $x }}{{ . }}{{ end }}{{ if $y := 3 }}{{ $y }}{{ end }}
{{ range $i, $_ := query "y" }}{{ if $i }}, {{ end }}{{ $i }}{{ end }}
{{ with query "y" }}{{ with sortByLabel "i" . }}{{ range . }}{{ .Labels.i | printf "%3s" }}{{ end }}{{ end }}{{ end }}
{{   $value   |   humanize   }}
{{ (print "a" "b") | printf "%s" | len }}
{{ printf "%s" ($labels.host | printf "%.3s") }}{{ ((($value))) }}
{{ $l := $labels }}{{ $l.host }}{{ range $k, $v := $l }}{{ $v | len }}{{ end }}
{{ .nope }}
{{ $value.foo }}
{{ .Labels.host.foo }}
{{ $labels.host "x" }}
{{ "x" | $labels.host }}
{{ .Value 1 }}
{{ 1 2 }}
{{ nil }}
{{ $value | nope.x }}
{{ toUpper 1 }}
{{ toUpper $value }}
{{ toUpper nil }}
{{ humanize "x" }}
{{ humanize true }}
{{ humanize .Labels }}
{{ value 5 }}
{{ value nil }}
{{ label "a" nil }}
{{ first nil }}
{{ first "x" }}
{{ first .Labels }}
{{ len 5 }}
{{ len nil }}
{{ len "a" "b" }}
{{ index "abc" 5 }}
{{ index "abc" "x" }}
{{ index .Labels 1 }}
{{ index 5 1 }}
{{ index nil 1 }}
{{ slice "abc" 2 1 }}
{{ slice "abc" 1 9 }}
{{ slice 5 1 }}
{{ eq 1 1.0 }}
{{ eq "a" 1 }}
{{ eq 1 }}
{{ eq .Labels .Labels }}
{{ lt 1 "a" }}
{{ lt true false }}
{{ lt nil 1 }}
{{ gt $value 5 }}
{{ call 5 }}
{{ call nil }}
{{ not }}
{{ and }}
{{ printf }}
{{ printf 5 }}
{{ printf $value }}
{{ reReplaceAll "(" "" "x" }}
{{ match "[a" "x" }}
{{ match "*" "x" }}
{{ parseDuration "x" }}
{{ parseDuration "" }}
{{ range 5 }}{{ end }}
{{ range "abc" }}{{ end }}
{{ range $value }}{{ end }}
{{ template "nope" }}
{{ query "y" 1 }}
{{ query 5 }}
{{ query $labels }}
{{ externalURL 5 }}
{{ (toTime 5).Nope }}
{{ (toTime "x") }}
{{ toTime 1e30 }}
{{ humanizeTimestamp 1e30 }}
{{ (query "y" | first).Nope }}
{{ sortByLabel "a" "b" }}
{{ (args 1).arg0.foo }}
{{ define "r" }}{{ .foo }}{{ end }}{{ template "r" 5 }}
line one
{{ $a := 5 }}
  {{ $a.b }}
{{ 9223372036854775808 }}
{{ printf "%d" 9223372036854775807 }}
""".strip().splitlines()

BAD = r"""
{{
{{ }}
{{ $x }}
{{ nope }}
{{ if }}{{ end }}
{{ if true }}
{{ end }}
{{ else }}
{{ if true }}{{ else }}{{ else }}{{ end }}
{{ range }}{{ end }}
{{ break }}
{{ 1 | 2 }}
{{ "a }}
{{ 'ab' }}
{{ '' }}
{{ `a }}
{{ (1 }}
{{ 1) }}
{{ 08 }}
{{ 1x }}
{{ 1+2 }}
{{ 0x }}
{{ 18446744073709551616 }}
{{ 1e400 }}
{{ . . }}
{{ .a.b.c }}
{{ .a. }}
{{ .a..b }}
{{ $labels. }}
{{ $labels.host}}
{{ $labels.host|toUpper}}
{{ "a".b }}
{{ 1.b }}
{{ nil.b }}
{{ true.b }}
{{ (nil).b }}
{{ $a, $b := 1 }}
{{ $a := }}
{{ $a = 1 }}
{{ range $a, $b, $c := .Labels }}{{ end }}
{{ range $a, := .Labels }}{{ end }}
{{ range $a, $b }}{{ end }}
{{ define "x" }}
{{ define x }}{{ end }}
{{ if true }}{{ define "x" }}{{ end }}{{ end }}
{{ define "x" }}a{{ end }}{{ define "x" }}b{{ end }}
{{ define "x" }}a{{ end }}{{ define "x" }} {{ end }}
{{ template }}
{{ template x }}
{{ template "x" }}
{{ template "x" 1 2 }}
{{ block "x" }}{{ end }}
{{ with }}{{ end }}
{{ range .Labels }}{{ else if 1 }}{{ end }}
{{ /* c */ }}
{{/* c
{{/* c */ }}
{{- /* c */ -}}
{{-/* c */-}}
{{ -}}
{{- -}}
{{-1}}
{{- 1 -}}
{{1-}}
{{ 1 | }}
{{ | 1 }}
{{ || }}
{{ "a" | toUpper | }}
{{ toUpper | "a" }}
{{ toUpper . | . }}
{{ ä }}
{{ .ä }}
{{ "\q" }}
{{ "\xZZ" }}
{{ "\u12" }}
{{ # }}
{{ a=b }}
{{ $x=1 }}
{{ $x:=1 }}{{$x}}
{{$x :=1}}{{$x}}
{{ : }}
{{ , }}
{{ {{ 1 }} }}
}} {{ 1 }}
{ {1} }
{{ 1 }}}
{{{ 1 }}
{{ tmpl "x" . }}
{{ end end }}
{{ if true }}{{ end 1 }}
{{ if true }}{{ else 1 }}{{ end }}
{{ range .Labels }}{{ break 1 }}{{ end }}
{{ range .Labels }}{{ else }}{{ break }}{{ end }}
{{ range .Labels }}{{ if true }}{{ continue }}{{ end }}{{ end }}
{{ .Labels.if }}
{{ $if := 1 }}{{ $if }}
{{ true.x }}
{{ (toUpper "a").b }}
{{ (1).b }}
{{ $.Labels }}
{{ $.Labels.host.x }}
{{ .Labels .Value }}
{{ .Labels.host"x" }}
{{ print"x" }}
{{ print("x") }}
{{ print ("x")("y") }}
{{ print (1)2 }}
{{ print 1(2) }}
{{ ("x") "y" }}
{{ 1_0 }}
{{ 1__0 }}
{{ _1 }}
""".strip("\n").splitlines()


def expanded(text, value, name, answers=ANSWERS):
    return expand_annotations(
        text,
        labels=(*LABELS, ("value", number(value))),
        external_labels=EXTERNAL,
        external_url=URL,
        value=value,
        answers=answers,
        now_ms=60_000,
        name=name,
    ).replace("Value interface {}", "Value float64")  # as 2.42 has it


def number(value):
    return "NaN" if math.isnan(value) else repr(value).replace("inf", "Inf")


def cases(texts, values):
    """Every template with some values: the first ones with all that it can tell apart."""
    return [(text, value) for text in texts for value in (values if "alue" in text else [1.5])]


def told(directory, pairs):
    """What promtool has against ours, for each template that it has something against."""
    values = sorted({number(value) for _, value in pairs})
    series = [(one, number(value)) for one, value in ANSWERS["y"]]
    series += [((*LABELS, ("value", value)), value) for value in values]
    rules, expected = [], []
    for at, (text, value) in enumerate(pairs):
        rules.append(
            {
                "alert": f"A{at}",
                "expr": f'x{{value="{number(value)}"}}',
                "annotations": {"a": text},
            }
        )
        labels = {**dict(LABELS), "value": number(value)}
        del labels["__name__"]
        wanted = expanded(text, value, f"A{at}")
        expected.append(
            {
                "eval_time": "1m",
                "alertname": f"A{at}",
                "exp_alerts": [{"exp_labels": labels, "exp_annotations": {"a": wanted}}],
            }
        )
    test = {
        "interval": "1m",
        "external_labels": dict(EXTERNAL),
        "external_url": URL,
        "input_series": [
            {"series": series_of(one), "values": f"{value} {value}"} for one, value in series
        ],
        "alert_rule_test": expected,
    }
    (directory / "rules.yml").write_text(
        json.dumps({"groups": [{"name": "g", "rules": rules}]}, ensure_ascii=False)
    )
    path = directory / "tests.yml"
    path.write_text(
        json.dumps(
            {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]},
            ensure_ascii=False,
        )
    )
    command = [found("promtool"), "test", "rules", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    output = run.stdout + run.stderr
    against = {
        int(at): said
        for at, said in re.findall(
            r"alertname: A(\d+), time: 1m, *\n(.*?)(?=alertname:|\Z)", output, re.DOTALL
        )
    }
    assert against or run.returncode == 0, output
    return [(pairs[at], said) for at, said in sorted(against.items())]


def series_of(labels):
    found = dict(labels)
    name = found.pop("__name__")
    return (
        name
        + "{"
        + ",".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in found.items())
        + "}"
    )


def refused(directory, texts):
    """The templates that promtool does not take."""
    rules = [
        {"alert": f"A{at}", "expr": "up", "annotations": {"a": text}}
        for at, text in enumerate(texts)
    ]
    path = directory / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}, ensure_ascii=False))
    run = subprocess.run(
        [found("promtool"), "check", "rules", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    output = run.stdout + run.stderr
    return {
        texts[int(at)]: said for at, said in re.findall(r'"A(\d+)": annotation "a": (.*)', output)
    }


def ours_against(text):
    try:
        check_annotation(text)
    except InvalidError as error:
        return f"{error.where}: {error.got}"
    return None


def disagreements(directory, texts):
    theirs = refused(directory, texts)
    return [
        (text, theirs.get(text), ours_against(text))
        for text in texts
        if (text in theirs) != (ours_against(text) is not None)
    ]


TOKEN = re.compile(r"\{\{-? ?|-?\}\}|\"(?:[^\"\\]|\\.)*\"|\$?\w+(?:\.\w+)?|\s+|.", re.DOTALL)

APART = re.compile(r"else *with|\d[ij]\b|'i|(?<!\$)externalURL|pathPrefix|title|%p")
"""What 2.42 lacks, imaginary numbers, which ours refuses, what has no URL in promtool, Prometheus
3's words, and addresses."""


def changed(chance, text, others):
    """The text with one to three tokens changed."""
    tokens = TOKEN.findall(text)
    for _ in range(chance.choice([1, 1, 2, 3])):
        at, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        kind = chance.randrange(5)
        if kind == 0 and len(tokens) > 1:
            del tokens[at]
        elif kind == 1:
            tokens.insert(at, chance.choice(others))
        elif kind == 2:
            tokens[at] = chance.choice(others)
        elif kind == 3:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        else:
            tokens.insert(at, tokens[at])
    return "".join(tokens)


def variants(seed, count):
    """Texts that are like those above and, mostly, a little wrong."""
    chance = random.Random(seed)
    others = sorted({token for text in [*TEXTS, *BAD] for token in TOKEN.findall(text)})
    made = [changed(chance, chance.choice([*TEXTS, *BAD]), others) for _ in range(count)]
    return [text for text in dict.fromkeys(made) if not APART.search(text)]


def answered(text):
    """Whether the template asks for what is known here, in whatever order, and writes no address."""
    try:
        written = expanded(text, 1.5, "A"), expanded(text, 0.0, "A")
        turned = expanded(text, 1.5, "A", BACKWARDS)
    except NeedMore:
        return False
    return "0xc0" not in "".join(written) and turned == written[0]


def compared(directory, seed, count):
    texts = variants(seed, count)
    assert disagreements(directory, texts) == []
    chance = random.Random(seed)
    accepted = [text for text in texts if ours_against(text) is None and answered(text)]
    assert told(directory, [(text, chance.choice([1.5, 0.0])) for text in accepted]) == []


def formats(seed, count):
    """Calls of printf with any flags, widths, precisions, verbs and values."""
    chance = random.Random(seed)
    values = [
        "5",
        "-42",
        "0",
        "255",
        "9223372036854775807",
        "1.5",
        "-0.001",
        "1e21",
        "0.0",
        "$value",
    ]
    values += ["true", "nil", '"ab☺"', '""', '"a`\\n"', "'a'", ".Labels", ".ExternalLabels"]
    values += [
        '(args 1 nil "x" 2.5)',
        "(args)",
        '(query "y > 1e12")',
        '(slice "äb" 0 2)',
    ]
    for _ in range(count):
        parts = []
        for _ in range(chance.randint(1, 4)):
            flags = "".join(chance.sample("+-# 0", chance.choice([0, 0, 1, 1, 2, 3])))
            width = chance.choice(["", "", "", "5", "12", "*", "[1]", "[2]*", "[", "1"])
            precision = chance.choice(["", "", "", ".", ".0", ".2", ".8", ".*", ".[1]*"])
            verb = (
                chance.choice("vvvdsfgeqxXTtcUboOEGFz%+")
                if chance.random() < 0.98 or precision
                else ""
            )
            parts.append(f"%{flags}{width}{precision}{verb}")
        arguments = " ".join(chance.choices(values, k=chance.randint(0, 5)))
        yield f'{{{{ printf "{"|".join(parts)}" {arguments} }}}}'


@pytest.mark.parametrize("seed", range(2))
def test_printf_prints_what_it_prints_in_promtool(tmp_path, seed):
    texts = [text for text in formats(seed, 500) if answered(text)]
    assert told(tmp_path, [(text, 1234.5) for text in texts]) == []


@pytest.mark.parametrize("seed", range(2))
def test_what_is_nearly_a_template_does_what_it_does_in_promtool(tmp_path, seed):
    compared(tmp_path, seed, 600)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_what_is_nearly_a_template_does_what_it_does_in_promtool_at_length(tmp_path, seed):
    compared(tmp_path, seed, 3_000)


def test_an_annotation_expands_as_promtool_expands_it(tmp_path):
    accepted = [text for text in TEXTS if ours_against(text) is None and answered(text)]
    assert told(tmp_path, cases(accepted, VALUES)) == []


def test_promtool_takes_the_templates_that_we_take(tmp_path):
    assert disagreements(tmp_path, list(dict.fromkeys([*TEXTS, *BAD]))) == []
