"""Rules that the bench evaluates, on the names of its own samples, shaped as the lab's are."""

from __future__ import annotations

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

_RATIO = 'sum(rate(lab_requests_total{{status!~"5.."}}[{0}])) / sum(rate(lab_requests_total[{0}]))'
_UNDER = (
    'sum(rate(lab_request_duration_seconds_bucket{{le="0.1"}}[{0}]))'
    ' / sum(rate(lab_request_duration_seconds_bucket{{le="+Inf"}}[{0}]))'
)
_P = "histogram_quantile({0}, sum by (le) (rate(lab_request_duration_seconds_bucket[5m])))"
_P_BY = (
    "histogram_quantile(0.99,"
    " sum by (le, instance) (rate(lab_request_duration_seconds_bucket[5m])))"
)

_RECORDS = (
    ("api:request_rate:5m", "rate(lab_requests_total[5m])"),
    ("api:error_rate:5m", "1 - " + _RATIO.format("5m")),
    ("api:latency:p99:5m", _P.format(0.99)),
    ("api:latency:p95:5m", _P.format(0.95)),
    ("api:latency:p50:5m", _P.format(0.5)),
    ("api:availability:5m", _RATIO.format("5m")),
    ("experiment:success_rate:5m", _RATIO.format("5m")),
    ("experiment:duration:p99:5m", _P.format(0.99)),
    ("experiment:active:current", "lab_load_ratio"),
    ("db:query_rate:5m", "sum by (instance) (rate(lab_busy_seconds_total[5m]))"),
    ("db:query_latency:p99:5m", _P_BY),
    ("db:connection_pool:utilization", "(lab_load_ratio - 0.1) / lab_load_ratio"),
    ("model:inference_rate:5m", "sum by (instance, method) (rate(lab_requests_total[5m]))"),
    ("model:inference_latency:p99:5m", _P_BY),
    ("model:token_usage_rate:5m", "sum by (instance, status) (rate(lab_requests_total[5m]))"),
    (
        "model:cost_per_request:5m",
        (
            "sum by (device) (rate(lab_busy_seconds_total[5m]))"
            " / sum by (device) (avg_over_time(lab_load_ratio[5m]))"
        ),
    ),
    (
        "node:cpu_utilization:percent",
        "100 - (avg by (instance) (irate(lab_busy_seconds_total[5m])) * 100)",
    ),
    ("node:memory_utilization:percent", "100 * (1 - lab_load_ratio / 2)"),
    ("node:disk_io_utilization:percent", "rate(lab_busy_seconds_total[5m]) * 100"),
    ("slo:availability:30d", _RATIO.format("30d")),
    ("slo:error_budget:remaining:percent", "(0.001 - (1 - slo:availability:30d)) / 0.001 * 100"),
    ("slo:latency:requests_under_100ms:30d", _UNDER.format("30d")),
    ("slo:latency:remaining:percent", "(0.01 - (1 - slo:latency:requests_under_100ms:30d)) * 1e4"),
)
_ALERTS = (
    ("AvailabilitySLOViolation", "api:availability:5m < 0.999", "5m"),
    ("AvailabilitySLOWarning", "api:availability:5m < 0.9995", "10m"),
    ("LatencySLOViolation", "api:latency:p99:5m > 0.1", "5m"),
    ("LatencySLOWarning", "api:latency:p99:5m > 0.075", "10m"),
    ("ErrorBudgetExhausted", "slo:error_budget:remaining:percent < 0", "1m"),
    ("ErrorBudgetCritical", "slo:error_budget:remaining:percent < 10", "5m"),
    ("ErrorBudgetWarning", "slo:error_budget:remaining:percent < 25", "10m"),
    ("HighCPUUsage", "node:cpu_utilization:percent > 80", "10m"),
    ("HighMemoryUsage", "node:memory_utilization:percent > 85", "10m"),
    ("DatabaseConnectionPoolExhausted", "db:connection_pool:utilization > 0.9", "5m"),
    ("SlowDatabaseQueries", "db:query_latency:p99:5m > 1", "5m"),
    ("HighExperimentFailureRate", "(1 - experiment:success_rate:5m) > 0.1", "10m"),
    ("ModelAPIHighLatency", "model:inference_latency:p99:5m > 2", "5m"),
    ("UnauthorizedAccessAttempt", 'increase(lab_requests_total{status="404"}[5m]) > 500', "0s"),
    ("ManyAlerts", 'count(ALERTS{alertname!="ManyAlerts",alertstate="firing"}) > 20', "5m"),
)


def lab_rules(longest: str) -> str:
    """Give the spec's rules and alerts at 30 s, one of them on ALERTS; 30d is made `longest`."""
    lines = ["groups:", "- name: records", "  interval: 30s", "  rules:"]
    for name, expr in _RECORDS:
        lines += [f"  - record: '{name}'", f"    expr: '{expr.replace('[30d]', f'[{longest}]')}'"]
    lines += ["- name: alerts", "  interval: 30s", "  rules:"]
    for name, expr, wait in _ALERTS:
        lines += [f"  - alert: {name}", f"    expr: '{expr}'", f"    for: {wait}"]
    return "\n".join([*lines, ""])


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


def unit_tests(steps: int) -> str:
    """Give a file of tests whose one test has so many steps of a minute."""
    series = "\n".join(
        f'  - {{series: \'u_total{{status="{status}", instance="{number}"}}\', '
        f"values: '0+{grown}x{steps}'}}"
        for status, grown in (("200", 60), ("500", 30))
        for number in range(4)
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
    - {{labels: 'u:rate{{status="200"}}', value: 4}}
    - {{labels: 'u:rate{{status="500"}}', value: 2}}
"""
