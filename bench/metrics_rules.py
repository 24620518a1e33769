"""Rules that the bench evaluates: ten of its own, and all of the spec's, on the bench's samples.

The spec's are read from its page: recording rules (5.1.1), alerts (5.2.2), the SLO's rules (5.3.2),
capacity (5.5.1), cost (5.5.4), security (5.6.1). Each metric that the bench has not is replaced by
one that it has, so that there are as many rules, windows and joins; all else stays, intervals and
annotations too. What stands in no group is evaluated at the page's evaluation_interval, 15 s. One
rule on `ALERTS` is added. `slo:error_budget:remaining:percent`, which the page's alerts read and
nothing records, is taken for the rule that was meant.
"""

from __future__ import annotations

import re
from pathlib import Path

TEN = """groups:
- name: ten
  interval: 60s
  rules:
  - {record: "t:rate", expr: "sum by (status) (rate(lab_requests_total[5m]))"}
  - {record: "t:errors", expr: "sum(rate(lab_requests_total{status=~\\"5..\\"}[5m]))"}
  - {record: "t:all", expr: "sum(rate(lab_requests_total[1h]))"}
  - {record: "t:instances", expr: "sum by (instance) (rate(lab_requests_total[5m]))"}
  - record: t:p99
    expr: histogram_quantile(0.99, sum by (le) (rate(lab_request_duration_seconds_bucket[5m])))
  - record: t:p50
    expr: histogram_quantile(0.5, sum by (le) (rate(lab_request_duration_seconds_bucket[5m])))
  - {record: "t:load", expr: "avg by (instance) (lab_load_ratio)"}
  - {record: "t:load:most", expr: "max(lab_load_ratio)"}
  - {record: "t:busy", expr: "sum by (instance) (rate(lab_busy_seconds_total[5m]))"}
  - {record: "t:load:1h", expr: "avg(avg_over_time(lab_load_ratio[1h]))"}
"""

SPEC = Path(__file__).parent.parent / "docs/spec/operations-and-monitoring.md"
SECTIONS = (
    "#### Recording Rules",
    "### 5.2.2 Alert Definitions",
    "### 5.3.2 Service Level Objectives (SLOs)",
    "### 5.5.1 Resource Utilization Thresholds",
    "### 5.5.4 Cost Monitoring and Alerting",
    "### 5.6.1 Security Event Monitoring",
)
EVALUATION_MS = 15_000
"""Source: the spec, 5.1.1, `evaluation_interval`."""

_BUCKET, _BUSY, _LOAD = (
    "lab_request_duration_seconds_bucket",
    "lab_busy_seconds_total",
    "lab_load_ratio",
)
_STAND_INS = (
    (r"\bapi_request_total\b", "lab_requests_total"),
    (r"\b(api_request|experiment)_duration_seconds_bucket\b", _BUCKET),
    (r"\bapi_request_duration_seconds_count\b", f'{_BUCKET}{{le="+Inf"}}'),
    (r"\bexperiment_total\b", "lab_requests_total"),
    (r'status="success"', 'status="200"'),
    (r'status="401"', 'status="404"'),
    (r"\bexperiment_(active_count|queue_depth)\b", _LOAD),
    (r"\b(db_query|model_inference)_duration_seconds_bucket\b", _BUCKET),
    (r"\bdb_query_duration_seconds_count\b", _BUSY),
    (r"\bdb_connection_pool_size\b", _LOAD),
    (r"\bdb_connection_pool_idle\b", f"(0 * {_LOAD} + 0.1)"),
    (r'query_type="select"', 'instance="runner-03:9090"'),
    (r"\bmodel_inference_duration_seconds_count\b", "lab_requests_total"),
    (r"\bmodel_inference_tokens_total\b", "lab_requests_total"),
    (r"\bmodel_inference_errors_total\b", 'lab_requests_total{status="500"}'),
    (r"\bmodel_inference_cost_usd_(sum|count)\b", _BUSY),
    (r'\bnode_cpu_seconds_total\{mode="idle"\}', _BUSY),
    (r"\bnode_memory_MemAvailable_bytes\b", _LOAD),
    (r"\bnode_memory_MemTotal_bytes\b", f"(0 * {_LOAD} + 2)"),
    (r"\bnode_disk_io_time_seconds_total\b", _BUSY),
    (r"\bnode_filesystem_(avail|size)_bytes\b", _LOAD),
    (r'\bup\{job=~"llm-research-lab', f'{_LOAD}{{job=~"node'),
    (r"\bpg_replication_lag_seconds\b", _LOAD),
    (r"\bdataset_access_denied_total\b", 'lab_requests_total{status="429"}'),
    (r"\bauthentication_failures_total\b", 'lab_requests_total{status="400"}'),
    (r"\brbac_authorization_failures_total\b", 'lab_requests_total{status="404"}'),
    (r"\bdataset_access_total\b", "lab_requests_total"),
    (r'user_agent=~"[^"]*"', 'method=~".*POST.*|.*PUT.*|.*PATCH.*"'),
    (r"\bslo:error_budget:", "slo:availability:error_budget:"),
    (r"\b(query_type|model_name|user)\b(?=[,)])", "instance"),
    (r"\bprovider\b(?=[,)])", "method"),
    (r"\btoken_type\b(?=[,)])", "status"),
)
_ON_ALERTS = """- name: on_alerts
  interval: 30s
  rules:
  - alert: ManyAlerts
    expr: count(ALERTS{alertname!="ManyAlerts",alertstate="firing"}) > 20
    for: 5m
"""


def _texts() -> list[str]:
    """Give the YAML of the page's sections, in its order."""
    page, found = SPEC.read_text(encoding="utf-8"), []
    for title in SECTIONS:
        _, here, rest = page.partition(f"\n{title}\n")
        if not here:
            raise ValueError(f"{SPEC}: no section {title}")
        own = re.split(r"\n#{2,3} ", rest)[0]  # those of four are parts of a section
        blocks = re.findall(r"```yaml\n(.*?)```", own, re.DOTALL)
        found += blocks[:1] if title.startswith("####") else blocks
    return found


def lab_rules(longest: str) -> str:
    """Give one file of all groups; windows of 30d are made `longest`."""
    groups, alone = list[str](), list[str]()
    for text in _texts():
        (groups if "groups:" in text else alone).append(text.partition("groups:")[2] or text)
    text = "groups:" + "".join(groups)
    text += "  - name: no_group\n    rules:\n"
    text += "".join(re.sub(r"(?m)^(?=.)", "      ", one) for one in alone)
    for pattern, name in _STAND_INS:
        text = re.sub(pattern, name, text)
    return text.replace("[30d]", f"[{longest}]") + re.sub(r"(?m)^(?=.)", "  ", _ON_ALERTS)


UNIT_RULES = """groups:
- name: unit
  interval: 1m
  rules:
  - {record: "u:rate", expr: "sum by (status) (rate(u_total[5m]))"}
  - {record: "u:errors", expr: "sum(rate(u_total{status=\\"500\\"}[5m])) / sum(rate(u_total[5m]))"}
  - {record: "u:slow", expr: "avg_over_time(u:errors[1h])"}
  - {alert: Errors, expr: "u:errors > 0.5", for: 5m}
  - {alert: Slow, expr: "u:slow > 0.1", for: 10m}
"""


UNIT_TARGETS = 40
"""So that promtool takes as long as the goal says of its file: some 11 s."""


def unit_tests(steps: int) -> str:
    """Give a file of tests whose one test has so many steps of a minute."""
    series = "\n".join(
        f'  - {{series: \'u_total{{status="{status}", instance="{number}"}}\', '
        f"values: '0+{grown}x{steps}'}}"
        for status, grown in (("200", 60), ("500", 30))
        for number in range(UNIT_TARGETS)
    )
    return f"""rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
{series}
  alert_rule_test:
  - {{eval_time: {steps}m, alertname: Errors, exp_alerts: []}}
  - eval_time: {steps}m
    alertname: Slow
    exp_alerts: [{{exp_labels: {{}}}}]
  promql_expr_test:
  - expr: u:rate
    eval_time: {steps}m
    exp_samples:
    - {{labels: 'u:rate{{status="200"}}', value: {UNIT_TARGETS}}}
    - {{labels: 'u:rate{{status="500"}}', value: {UNIT_TARGETS / 2:g}}}
"""
