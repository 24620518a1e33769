"""Prometheus 2.42 and ours accept the same expressions, where its language and ours are the same.

Expressions over the grammar, and the same with tokens lost, doubled, swapped or put in, go through
`promtool check rules` and through `parse`.
"""

from __future__ import annotations

import json
import random
import re
import subprocess

import pytest
from hypothesis import given, settings
from tests.reference.expressions import vectors
from tests.servers.prometheus_server import found, prometheus

from llm_research_lab.promql import ExpressionError, parse, pretty
from llm_research_lab.promql.lexing import lex

SEEDS = r"""
up
sum by (a, b) (rate(http_requests_total{job=~"a|b", x!="1"}[5m] offset 1h))
histogram_quantile(0.99, sum by (le) (rate(b[5m])))
sum(x) without (a,) / ignoring(b) group_left(c) y
-1 ^ 2 ^ -3
a or b and c unless on (x) d
x @ start() offset -5m
x[5m:1m] @ 1234.5 offset 3s
rate(x[5m] @ end())
topk(3, sum(x) by (y))
1 + 0x1F + 010 + .5 + 5. + inf + NaN
x == bool 3 != y
sum + and and or
foo * avg on (sum) by
absent(x) atan2 on() y
label_replace(x, "a", "$1", 'b', `(.*)`)
label_join(x, "a", ",", "b", "c")
max_over_time(sum(rate(x[1m]))[1h:] offset 1w)
count_values("a", x) by ()
quantile(0.5, x) without () > 1
time() - timestamp(x) >= 100
vector(1) or on() vector(time())
round(x, 0.1) / clamp(y, 0, 1)
{__name__=~"a.*", b!~"c", d=""}
x{a="b",} # comment
day_of_week() + hour(x)
sum by (group_left, ignoring, bool, offset, on) (x)
a * on (x, y) group_right (z, w) b
"string"
(((x)))
x:y:z{a='\'\n\x41\101\u00e4'}
scalar(x) < bool scalar(y)
x[1h30m] offset 1d2h
stddev(x) % -y
""".strip().splitlines()

EXTRA = [
    r"(",
    r")",
    r"{",
    r"}",
    r"[",
    r"]",
    r",",
    r"+",
    r"-",
    r"*",
    r"/",
    r"%",
    r"^",
    r"==",
    r"!=",
    r"<",
    r">",
    r"<=",
    r">=",
    r"=",
    r"=~",
    r"!~",
    r"@",
    r"and",
    r"or",
    r"unless",
    r"atan2",
    r"by",
    r"without",
    r"on",
    r"ignoring",
    r"group_left",
    r"group_right",
    r"bool",
    r"offset",
    r"start",
    r"end",
    r"sum",
    r"topk",
    r"x",
    r"rate",
    r"1",
    r"0x1F",
    r"5m",
    r'"a"',
    r":",
    r"inf",
    r"time",
    r"1e3",
    r"a:b",
    r"''",
    r".5",
    r"0",
]

NEWER = re.compile(
    "missing unit character|unexpected duration"  # a number is a duration, a duration a number
    r"|in offset, expected duration|in subquery selector, expected duration"
    "|unexpected string .* in (label matching|grouping opts)"  # names in quotes
    r"|trailing commas not allowed"  # said of a duration after a comma
)
"""What 2.42 says of what Prometheus 3 takes."""

OLDER = re.compile(r"\[[^\]]*[0-9a-z ]x[ :\]]")
"""2.42's lexer passes over an `x` in brackets; Prometheus 3's does not."""


OTHERWISE = re.compile(r"holt_winters|ignoring \(\) group_")
"""What Prometheus 3 has renamed, and what 2.42 forgets to print."""


def changed(chance, text):
    """The text with one to three tokens changed."""
    tokens = [text[one.start : one.end] for one in lex(text)][:-1]
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        at, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        kind = chance.randrange(5)
        if kind == 0 and len(tokens) > 1:
            del tokens[at]
        elif kind == 1:
            tokens.insert(at, chance.choice(EXTRA))
        elif kind == 2:
            tokens[at] = chance.choice(EXTRA)
        elif kind == 3:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        else:
            tokens.insert(at, tokens[at])
    return chance.choice([" ", " ", " ", ""]).join(tokens)


def theirs(directory, texts):
    """For each text what promtool says against it, or None."""
    paths = [directory / f"{number}.yml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        rule = {"record": "r", "expr": text}
        path.write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}))
    command = [found("promtool"), "check", "rules", *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    said = dict(re.findall(r"^\S*/(\d+)\.yml: (.*)$", run.stdout + run.stderr, re.MULTILINE))
    return [said.get(str(number)) for number in range(len(texts))]


def ours(text):
    """What we say against it, or None."""
    try:
        parse(text)
    except ExpressionError as error:
        return str(error)
    return None


def disagreements(directory, texts):
    both = zip(texts, theirs(directory, texts), strict=True)
    return [
        (text, ours(text), their)
        for text, their in both
        if (ours(text) is None) != (their is None)
        and not (their and NEWER.search(their))
        and not (their is None and OLDER.search(text))
    ]


@pytest.mark.parametrize("seed", range(3))
def test_what_promtool_accepts_is_what_we_accept(tmp_path, seed):
    chance = random.Random(seed)
    texts = [*SEEDS, *[changed(chance, chance.choice(SEEDS)) for _ in range(1_500)]]
    assert disagreements(tmp_path, texts) == []


@pytest.mark.long
def test_what_promtool_accepts_is_what_we_accept_at_length(tmp_path):
    for seed in range(10):
        chance = random.Random(1_000 + seed)
        texts = [changed(chance, chance.choice(SEEDS)) for _ in range(5_000)]
        assert disagreements(tmp_path, texts) == []


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@settings(max_examples=150)
@given(text=vectors(2).filter(lambda text: OTHERWISE.search(text) is None))
def test_a_query_is_formatted_as_prometheus_formats_it(server, text):
    text = text.replace("1e9", "1e3")  # 2.42 prints 1e+09, Prometheus 3 1000000000
    told = server.ask("format_query", query=text)
    if told["status"] == "error":
        assert ours(text) is not None
    else:
        assert pretty(parse(text)) == told["data"]
