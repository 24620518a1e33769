"""What a prometheus.yml asks for: jobs, how they are scraped, where their targets come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from llm_research_lab.scrape.relabel import Relabel
from llm_research_lab.vocabulary.labels import Labels


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one scrape may bring, 0 for no bound: over one of them, the scrape fails."""

    body_bytes: int = 0
    samples: int = 0
    labels: int = 0
    name_length: int = 0
    value_length: int = 0
    targets: int = 0
    """Over it, no target of the job is scraped."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to a target: `type` is Basic, Bearer or another scheme of Authorization.

    A secret stands here or in a file, read at each scrape, so that it can be changed.
    """

    type: str
    username: str = ""
    secret: str = field(default="", repr=False)
    secret_file: str = ""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a target's certificate is checked, and which of ours is shown; paths of files."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Addresses that share labels; `source` tells apart where groups come from."""

    targets: tuple[str, ...]
    labels: Labels = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """Groups in JSON or YAML files; the last part of a pattern may hold a ``*``."""

    patterns: tuple[str, ...]
    refresh_ms: int = 300_000


RecordType = Literal["A", "AAAA", "SRV"]


@dataclass(frozen=True, slots=True)
class Names:
    """Targets by DNS; `port` belongs to addresses, a service record has its own."""

    names: tuple[str, ...]
    type: RecordType = "SRV"
    port: int = 0
    refresh_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of scrape_configs.

    `align`: all targets are scraped at whole multiples of the interval, not each at its offset.
    """

    name: str
    interval_ms: int
    timeout_ms: int
    path: str = "/metrics"
    scheme: str = "http"
    params: tuple[tuple[str, tuple[str, ...]], ...] = ()
    honor_labels: bool = False
    honor_timestamps: bool = True
    follow_redirects: bool = True
    compression: bool = True
    bounds: Bounds = Bounds()
    credentials: Credentials | None = None
    tls: Tls = Tls()
    headers: tuple[tuple[str, str], ...] = ()
    rules: tuple[Relabel, ...] = ()
    """relabel_configs: of targets."""
    metric_rules: tuple[Relabel, ...] = ()
    """metric_relabel_configs: of samples."""
    groups: tuple[Group, ...] = ()
    files: tuple[Files, ...] = ()
    names: tuple[Names, ...] = ()
    align: bool = False


@dataclass(frozen=True, slots=True)
class Configuration:
    """A prometheus.yml, as far as it is carried out here."""

    jobs: tuple[Job, ...] = ()
    rule_files: tuple[str, ...] = ()
    scrape_interval_ms: int = 60_000
    evaluation_interval_ms: int = 60_000
    query_offset_ms: int = 0
    external_labels: Labels = ()
