"""The keys of a prometheus.yml: how each is read, which are ignored, which refused.

Source: Prometheus, "Configuration"; config/config.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.documents.readers import flag, list_of, one_of, whole
from llm_research_lab.scrape.jobs import (
    Credentials,
    Tls,
)
from llm_research_lab.scrape.relabel import ACTIONS, Relabel
from llm_research_lab.scrape.scalars import (
    duration,
    ignored,
    label_name,
    labels,
    mapping_of_lists,
    optional,
    positive,
    refused,
    size,
    texts,
    words,
)
from llm_research_lab.vocabulary import InvalidError

MANY = 10_000
"""More of anything in one file is a mistake."""

_whole = whole(0, 2**62)
_ELSEWHERE = "targets that it would find are not scraped; static, file and DNS discovery are here"
_DISCOVERIES = (
    "azure",
    "consul",
    "digitalocean",
    "docker",
    "dockerswarm",
    "ec2",
    "eureka",
    "gce",
    "hetzner",
    "http",
    "ionos",
    "kubernetes",
    "kuma",
    "lightsail",
    "linode",
    "marathon",
    "nerve",
    "nomad",
    "openstack",
    "ovhcloud",
    "puppetdb",
    "scaleway",
    "serverset",
    "stackit",
    "triton",
    "uyuni",
    "vultr",
)


def _mapping(fields: Sequence[Field], make: Callable[..., Any] = dict) -> Callable[..., Any]:
    """A mapping with these fields, given to `make`; None where it left a finding that refuses."""

    def read(value: Any, place: Place) -> Any:
        before = len(place.findings)
        found = read_fields(value, place, fields)
        given = {name: inner for name, inner in found.items() if inner is not None}
        if any(one.law != "ignored" for one in place.findings[before:]):
            return None
        try:
            return make(**given)
        except InvalidError as error:
            message = f"{error.where}: expected {error.expected}, got {error.got}"
            place.find("form", message, error.fix)
            return None

    return read


def _several(fields: Sequence[Field], make: Callable[..., Any] = dict) -> Callable[..., Any]:
    """A list of such mappings."""
    return list_of(_mapping(fields, make), 0, MANY)


_RELABEL = (
    optional("source_labels", list_of(label_name, 0, MANY)),
    optional("separator", words),
    optional("regex", words),
    optional("modulus", _whole),
    optional("target_label", words),
    optional("replacement", words),
    optional("action", lambda value, place: one_of(*ACTIONS)(str(value).lower(), place)),
)

_relabels = _several(_RELABEL, Relabel)


def _basic(**given: Any) -> Credentials:
    if "password" in given and "password_file" in given:
        raise InvalidError("basic_auth", "one password", "password and password_file", "keep one")
    return Credentials(
        "Basic",
        given.get("username", ""),
        given.get("password", ""),
        given.get("password_file", ""),
    )


def _authorization(**given: Any) -> Credentials:
    kind = given.get("type", "Bearer").strip()
    if kind.lower() == "basic":
        raise InvalidError("authorization", "a type but Basic", kind, "use basic_auth")
    if "credentials" in given and "credentials_file" in given:
        raise InvalidError("authorization", "one secret", "credentials and its file", "keep one")
    return Credentials(kind, "", given.get("credentials", ""), given.get("credentials_file", ""))


_TLS = (
    optional("ca_file", words),
    optional("cert_file", words),
    optional("key_file", words),
    optional("server_name", words),
    optional("insecure_skip_verify", flag),
    refused("ca", "certificates are read from files: use ca_file"),
    refused("cert", "certificates are read from files: use cert_file"),
    refused("key", "keys are read from files: use key_file"),
    ignored("min_version", "TLS 1.2 is the least"),
    ignored("max_version", "the newest that both know is used"),
)

_CREDENTIALS = (
    optional(
        "basic_auth",
        _mapping(
            (
                optional("username", words),
                optional("password", words),
                optional("password_file", words),
                refused("username_file", "write the username"),
            ),
            _basic,
        ),
    ),
    optional(
        "authorization",
        _mapping(
            (
                optional("type", words),
                optional("credentials", words),
                optional("credentials_file", words),
            ),
            _authorization,
        ),
    ),
    optional("bearer_token", words),
    optional("bearer_token_file", words),
)

BOUNDS = (
    optional("body_size_limit", size),
    optional("sample_limit", _whole),
    optional("label_limit", _whole),
    optional("label_name_length_limit", _whole),
    optional("label_value_length_limit", _whole),
    optional("target_limit", _whole),
)

_NATIVE = "native histograms are not stored"

_IGNORED = (
    ignored("scrape_protocols", "OpenMetrics 1.0 is asked for first, then text 0.0.4"),
    ignored("scrape_fallback_protocol", "what names no type is read as text 0.0.4"),
    ignored("fallback_scrape_protocol", "what names no type is read as text 0.0.4"),
    ignored("scrape_classic_histograms", _NATIVE),
    ignored("always_scrape_classic_histograms", _NATIVE),
    ignored("scrape_native_histograms", _NATIVE),
    ignored("convert_classic_histograms_to_nhcb", _NATIVE),
    ignored("native_histogram_bucket_limit", _NATIVE),
    ignored("native_histogram_min_bucket_factor", _NATIVE),
    ignored("keep_dropped_targets", "dropped targets are not kept"),
    ignored("metric_name_validation_scheme", "all UTF-8 names are taken"),
    ignored("metric_name_escaping_scheme", "names are taken as they come"),
    ignored("extra_scrape_metrics", "Prometheus's five are written"),
    ignored("scrape_failure_log_file", "the lab's own log tells of failures"),
)


def _headers(value: Any, place: Place) -> tuple[tuple[str, str], ...]:
    """Headers by name, their values in a list; those from files are refused."""
    read = _mapping((optional("values", texts), refused("files", "write values")), dict)
    if not isinstance(value, dict):
        place.expect("type", "a mapping of headers", value)
        return ()
    found = {name: read(inner, place.at(name)) or {} for name, inner in value.items()}
    return tuple((name, one) for name, inner in found.items() for one in inner.get("values", ()))


_JOB = (
    Field("job_name", words, required=True),
    optional("scrape_interval", positive),
    optional("scrape_timeout", positive),
    optional("metrics_path", words),
    optional("scheme", one_of("http", "https")),
    optional("params", mapping_of_lists),
    optional("honor_labels", flag),
    optional("honor_timestamps", flag),
    optional("follow_redirects", flag),
    optional("enable_compression", flag),
    optional("tls_config", _mapping(_TLS, Tls)),
    optional("relabel_configs", _relabels),
    optional("metric_relabel_configs", _relabels),
    optional(
        "static_configs",
        _several((optional("targets", texts), optional("labels", labels)), dict),
    ),
    optional(
        "file_sd_configs",
        _several((Field("files", texts, required=True), optional("refresh_interval", positive))),
    ),
    optional(
        "dns_sd_configs",
        _several(
            (
                Field("names", texts, required=True),
                optional("type", one_of("A", "AAAA", "SRV", "MX", "NS")),
                optional("port", whole(0, 65535)),
                optional("refresh_interval", positive),
            ),
        ),
    ),
    *_CREDENTIALS,
    *BOUNDS,
    *_IGNORED,
    ignored("track_timestamps_staleness", "series with times of their own get no stale marker"),
    ignored("enable_http2", "HTTP/1.1 is spoken"),
    optional("http_headers", _headers),
    refused("oauth2", "no token would be fetched"),
    refused("sigv4", "requests are not signed"),
    refused("azuread", "no token would be fetched"),
    refused("google_iam", "no token would be fetched"),
    refused("proxy_url", "targets are reached directly"),
    refused("proxy_from_environment", "targets are reached directly"),
    refused("proxy_connect_header", "targets are reached directly"),
    refused("no_proxy", "targets are reached directly"),
    *(ignored(f"{name}_sd_configs", _ELSEWHERE) for name in _DISCOVERIES),
)

_GLOBAL = (
    optional("scrape_interval", positive),
    optional("scrape_timeout", positive),
    optional("evaluation_interval", positive),
    optional("rule_query_offset", duration),
    optional("external_labels", labels),
    *BOUNDS,
    *_IGNORED,
    ignored("query_log_file", "the lab's own log tells of queries"),
    ignored("runtime", "it is Go's"),
)

_ALERTING = (
    ignored("alertmanagers", "the lab notifies by itself"),
    ignored("alert_relabel_configs", "the lab notifies by itself"),
)

TOP = (
    optional("global", _mapping(_GLOBAL)),
    optional("scrape_configs", _several(_JOB)),
    optional("rule_files", texts),
    optional("alerting", _mapping(_ALERTING)),
    ignored("scrape_config_files", "write the jobs into scrape_configs"),
    ignored("remote_write", "samples stay here; others may read them by remote read"),
    ignored("remote_read", "only samples of this store are read"),
    ignored("storage", "the store has settings of its own"),
    ignored("tracing", "the lab's own tracing stands"),
    ignored("otlp", "OTLP is not received here"),
    ignored("runtime", "it is Go's"),
)
