"""One frozen `Settings`, read once at the door: ``lab.toml`` < ``LAB_…`` < ``--flag``."""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from llm_research_lab.service.data_directory import data_directory
from llm_research_lab.service.secret import Secret
from llm_research_lab.vocabulary import Finding, InvalidError, LabError

if TYPE_CHECKING:
    from collections.abc import Mapping


def _listed(value: Any) -> Any:
    """Let the environment write a list with commas."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _paired(value: Any) -> Any:
    """Let a text write a table."""
    if not isinstance(value, str):
        return value
    pairs = (one.partition("=") for one in value.replace(",", " ").split())
    return {name: level for name, _, level in pairs}


Port = Annotated[int, Field(ge=0, le=65535)]
Names = Annotated[frozenset[str], NoDecode, BeforeValidator(_listed)]
"""Names in a list, or in one text with commas."""

Level = Literal["debug", "info", "warn", "error", "critical"]
Levels = Annotated[dict[str, Level], NoDecode, BeforeValidator(_paired)]
"""Loggers and their levels in a table, or in one text: ``NAME=LEVEL``, with commas."""

PREFIX = "LAB_"
FILE = "lab.toml"
_CLOSE = 0.75  # difflib's ratio from which two names are taken for one, mistyped


class Settings(BaseSettings):
    """Every setting of every process, with its default. Durations in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=False
    )

    data_dir: Path = Field(
        default=Path(".lab"),
        description="Where everything that stays is kept. Not in lab.toml, which lies in it.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on. Other than loopback only with `insecure`.",
    )
    port: Port = Field(
        default=8080, description="Port of the API. Taken: the next free one, said. 0: any."
    )
    api_metrics_port: Port = Field(default=9464, description="Port of the API's `/metrics`.")
    runner_metrics_port: Port = Field(default=9465, description="Port of the runner's `/metrics`.")
    ops_port: Port = Field(
        default=9095,
        description="Port of `lab ops`: Prometheus's API over the lab's metrics, and its own "
        "`/metrics`.",
    )
    ops_anonymous: bool = Field(
        default=False,
        description="Let whoever reaches `ops_port` on loopback read metrics without a key, as "
        "Grafana's and promtool's defaults do. Writing always takes a key.",
    )
    scrape_interval_seconds: float = Field(
        default=15, ge=1, description="Between two scrapes of the lab's own processes."
    )
    metrics_retention_days: float = Field(
        default=100, gt=0, description="Metrics are kept so long: forecasts need 90 days."
    )
    metrics_bytes: int = Field(
        default=10_000_000_000, ge=10_000_000, description="Most bytes of kept metrics."
    )
    metrics_config: Path | None = Field(
        default=None,
        description="A `prometheus.yml` to scrape by, instead of the lab's own processes alone; "
        "its rule files are evaluated.",
    )
    alertmanager_config: Path | None = Field(
        default=None,
        description="An `alertmanager.yml`: who is told of the alerts that fire is decided by it, "
        "and recorded with the reasons.",
    )
    roster: Path | None = Field(
        default=None,
        description="A roster file: what `alertmanager_config` sends to pagers goes through its "
        "escalation policies.",
    )
    insecure: bool = Field(
        default=False,
        description="Accept that keys travel in plain text when `host` is not loopback.",
    )
    hosts: Names = Field(
        default=frozenset(),
        description="Names that the API answers to besides loopback's and `host`; with commas.",
    )
    trusted_proxies: Names = Field(
        default=frozenset(),
        description="Addresses of proxies whose `X-Forwarded-For` is believed; with commas.",
    )
    log_level: Level = Field(
        default="info",
        description="The least level that is logged. SIGHUP has it and `log_levels` read again.",
    )
    log_levels: Levels = Field(
        default={},
        description="The least level of single loggers and what is below them, as "
        "`llm_research_lab.storage=debug,uvicorn=info`; in `lab.toml` also a table.",
    )
    log_bytes: int = Field(
        default=10_000_000, ge=10_000, description="A log file is rotated at this size."
    )
    log_files: int = Field(default=3, ge=1, description="Rotated log files that are kept.")
    body_limit_bytes: int = Field(
        default=1_000_000, ge=1000, description="Longest JSON body of a request."
    )
    upload_limit_bytes: int = Field(
        default=10_000_000_000, ge=1000, description="Longest dataset that is taken."
    )
    request_timeout_seconds: float = Field(
        default=30, gt=0, description="A request that is not an upload ends after this."
    )
    upload_timeout_seconds: float = Field(
        default=3600, gt=0, description="A dataset's way in ends after this."
    )
    idle_timeout_seconds: float = Field(
        default=30, gt=0, description="Longest silence of a client that is sending a request."
    )
    drain_seconds: float = Field(
        default=10, gt=0, description="What a process gets to finish after SIGTERM."
    )
    restart_first_seconds: float = Field(
        default=0.5, gt=0, description="Wait before the first restart of a child; then doubled."
    )
    restart_longest_seconds: float = Field(
        default=30, gt=0, description="Longest wait before a restart."
    )
    stable_seconds: float = Field(
        default=60, gt=0, description="A child that lived so long starts again from the first wait."
    )
    bundled_slots: int = Field(
        default=4, ge=1, le=64, description="Answers that the bundled model writes at once."
    )
    bundled_threads: int = Field(
        default=1, ge=1, le=256, description="Threads of the bundled model."
    )
    environment: str = Field(
        default="development",
        pattern=r"^[A-Za-z0-9._-]{1,63}$",
        description="Where the lab runs: a word that every log line and span carries.",
    )
    telemetry: bool = Field(
        default=True,
        description="Observe: traces, metrics and log lines of requests. Off to measure its cost.",
    )
    trace_ratio: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of traces that is kept; errors, slow requests, experiments always are.",
    )
    trace_slow_ms: float = Field(
        default=100, ge=0, description="A request that takes longer is slow: its trace is kept."
    )
    trace_bytes: int = Field(
        default=64_000_000, ge=1_000_000, description="Most bytes of the last hour's kept spans."
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="Collector that kept spans go to, as `http://host:4317`; else "
        "`OTEL_EXPORTER_OTLP_ENDPOINT`; else none.",
    )
    otlp_protocol: Literal["grpc", "http/protobuf"] | None = Field(
        default=None,
        description="How; else `OTEL_EXPORTER_OTLP_PROTOCOL`; else grpc. Headers and certificates "
        "come from OpenTelemetry's own variables.",
    )
    url: str | None = Field(
        default=None, description="Client: the API's address, instead of the directory's own lab."
    )
    key: Secret | None = Field(
        default=None, description="Client: the API key. Better in `key_file`."
    )
    key_file: Path | None = Field(
        default=None, description="Client: file of the API key, instead of `keys/admin.key`."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over the environment, which wins over the directory's file."""
        del dotenv_settings, file_secret_settings
        flags = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        file = Path(flags["data_dir"]) / FILE
        return (
            init_settings,
            EnvSettingsSource(settings_cls, env_ignore_empty=True)
            if isinstance(env_settings, EnvSettingsSource)
            else env_settings,
            TomlConfigSettingsSource(settings_cls, toml_file=file),
        )


def read_settings(flags: Mapping[str, Any]) -> Settings:
    """Read the settings; a flag of None was not given. Raises InvalidError with every finding."""
    given = {name: value for name, value in flags.items() if value is not None}
    given["data_dir"] = data_directory(given.get("data_dir"), os.environ)
    findings = [*_mistyped(os.environ), *_misplaced(given["data_dir"] / FILE)]
    try:
        settings = Settings(**given)
    except ValidationError as error:
        findings += [_finding(detail) for detail in error.errors(include_url=False)]
    except ValueError as error:  # a TOML file that cannot be read
        findings.append(Finding(str(given["data_dir"] / FILE), "toml", str(error), "mend the file"))
    if findings:
        raise _refusal(findings)
    return settings


def in_file(data_dir: Path) -> frozenset[str]:
    """Name the settings that stand in the directory's file; none when it cannot be read."""
    try:
        return frozenset(tomllib.loads((data_dir / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return frozenset()


def check_host(settings: Settings) -> None:
    """Only loopback is served in plain text, unless the user says `insecure`."""
    if settings.host not in {"127.0.0.1", "::1", "localhost"} and not settings.insecure:
        raise LabError(
            "setting host",
            "127.0.0.1, ::1 or localhost",
            repr(settings.host),
            "stay on loopback behind a proxy with TLS, or say --insecure",
        )


def _refusal(findings: list[Finding]) -> InvalidError:
    """Every finding, the first one as the headline."""
    first = findings[0]
    return InvalidError(first.where, first.law, first.message, first.fix, tuple(findings))


def _finding(detail: Any) -> Finding:
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return Finding(f"setting {name}", "a known setting", "no such setting", suggestion(name))
    return Finding(
        f"setting {name}",
        detail["msg"],
        repr(detail["input"])[:80],
        "see docs/reference/settings.md",
    )


def suggestion(name: str) -> str:
    """Say which setting was probably meant."""
    near = difflib.get_close_matches(name, Settings.model_fields, 1, 0.5)
    return f"did you mean {near[0]}?" if near else "see docs/reference/settings.md"


def _mistyped(environ: Mapping[str, str]) -> list[Finding]:
    """Names of the environment that are nearly a setting's.

    Only near ones: an orchestrator puts LAB_SERVICE_HOST and the like there for a service `lab`.
    """
    known = set(Settings.model_fields)
    found = []
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1, _CLOSE)
            if near:
                fix = f"did you mean {PREFIX}{near[0].upper()}?"
                found.append(Finding(variable, "a known setting", "no such setting", fix))
    return found


def _misplaced(file: Path) -> list[Finding]:
    """`data_dir` cannot stand in the file that it leads to."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
    fix = "take it out; use --data-dir or LAB_DATA_DIR"
    return [
        Finding(f"{FILE} line {number}", "settings other than data_dir", "data_dir", fix)
        for number, line in enumerate(lines, 1)
        if line.replace(" ", "").startswith("data_dir=")
    ]
