"""A model entry is read whole: every mistake is found before the first call costs anything."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from llm_research_lab.documents.fields import Field, Place, Source, read_fields
from llm_research_lab.documents.readers import (
    flag,
    mapping_of,
    money,
    name,
    number,
    one_of,
    plain,
    text,
    whole,
)
from llm_research_lab.experiments.echo_script import read_script
from llm_research_lab.experiments.model_entry import Limits, ModelEntry, Price
from llm_research_lab.experiments.parameters import (
    BUNDLED,
    ECHO,
    OPENAI,
    conflicting,
    parameters,
    unsupported,
)
from llm_research_lab.vocabulary import Finding, usd_text

MOST_USD = 999_999
"""US dollars for a million tokens."""

DECIMALS = 6
"""Of a price: then a token costs whole picodollars."""

INT64 = 2**63 - 1
HOUR_SECONDS = 3600
REMOTE = ("base_url", "secret", "insecure")
"""Fields that only a provider at an address has."""

_SECRET = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,254}|file:/[^\x00-\x1f\x7f]+")
_URL_CHARACTERS = re.compile(r"[!-~]+")
URL_LENGTH = 2000
SECRET_LENGTH = 4096


def _secret(value: Any, place: Place) -> Any:
    """Read a reference to a secret. A value that is none may be a secret: it is not repeated."""
    known = isinstance(value, str) and len(value) <= SECRET_LENGTH and _SECRET.fullmatch(value)
    if not known:
        message = "secret: expected env:NAME or file:/absolute/path, got something else"
        place.find("reference", message, "name where the secret is; never write it here")
        return None
    return value


def _base_url(value: Any, place: Place) -> Any:
    """Read an address that a path can be put behind; passwords in it are not repeated."""
    if text(URL_LENGTH)(value, place) is None:
        return None
    parts = _split(value)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "base_url: expected an http or https address"
        place.find("url", message, "write it like https://api.example.com/v1")
    elif "@" in parts.netloc:
        message = "base_url: a name or password stands in the address"
        place.find("url", message, "leave it out; put the key into secret")
    elif "?" in value or "#" in value:
        message = "base_url: a query or fragment stands in the address"
        place.find("url", message, "end it with the path, like /v1")
    return value


def _split(value: str) -> SplitResult | None:
    """Take an address apart; None when it is none."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts if _URL_CHARACTERS.fullmatch(value) else None


def _is_loopback(host: str) -> bool:
    """Whether what is sent there stays on the machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_PRICE = (
    Field("input_usd_per_million", money(MOST_USD, DECIMALS), required=True),
    Field("output_usd_per_million", money(MOST_USD, DECIMALS), required=True),
)
_LIMITS = (
    Field("concurrency", whole(1, 1024)),
    Field("requests_per_minute", whole(1, INT64), nullable=True),
    Field("tokens_per_minute", whole(1, INT64), nullable=True),
    Field("timeout_seconds", number(0, HOUR_SECONDS, above=True)),
    Field("attempts", whole(1, 20)),
)
_FIELDS = (
    Field("name", name),
    Field("provider", one_of(BUNDLED, OPENAI, ECHO), required=True),
    Field("id", text(200), required=True),
    Field("base_url", _base_url, nullable=True),
    Field("secret", _secret, nullable=True),
    Field("parameters", parameters),
    Field("price", mapping_of(_PRICE), nullable=True),
    Field("limits", mapping_of(_LIMITS), nullable=True),
    Field("script", plain),
    Field("insecure", flag),
)


def read_entry(source: Source) -> tuple[ModelEntry | None, tuple[Finding, ...]]:
    """Read a model entry, or say all that is wrong with it; one of the two is empty.

    The keys are `ModelEntry`'s. A ``name`` is checked and left to the caller: an entry is the same
    under every name. ``openai`` without ``base_url`` is OpenAI itself and needs a secret; plain
    http goes to this machine alone, unless ``insecure: true`` is said.
    """
    place = Place(source, [])
    found = read_fields(source.value, place, _FIELDS)
    provider = found.get("provider")
    if provider is not None:
        _check_provider(found, provider, place)
    if place.findings:
        return None, tuple(place.findings)
    return _entry(found), ()


def _check_provider(found: Mapping[str, Any], provider: str, place: Place) -> None:
    """Each provider has its own fields and parameters."""
    if provider == OPENAI:
        _check_remote(found, place)
    else:
        _deny(found, provider, REMOTE, place)
    if provider == ECHO:
        read_script(found.get("script", {}), place.at("script"))
    else:
        _deny(found, provider, ("script",), place)
    unsupported(found.get("parameters", {}), provider, place.at("parameters"))


def _deny(found: Mapping[str, Any], provider: str, fields: Sequence[str], place: Place) -> None:
    """Find what stands there for nothing."""
    for field in fields:
        if found.get(field):
            message = f"the provider {provider} has no {field}"
            place.at(field).find("unsupported", message, "leave it out", key=True)


def _check_remote(found: Mapping[str, Any], place: Place) -> None:
    """Prompts and keys do not travel in the open, and OpenAI is not asked without a key."""
    url = found.get("base_url")
    if url is None:
        if not any(place.source.value.get(field) for field in ("base_url", "secret")):
            message = "secret is missing: OpenAI itself answers nobody without a key"
            place.find("missing-key", message, "add secret: env:OPENAI_API_KEY, or a base_url")
        return
    parts = _split(url)
    if parts is None or parts.scheme != "http" or found.get("insecure"):
        return
    if not _is_loopback(parts.hostname or ""):
        message = "base_url: prompts and keys would travel unencrypted"
        place.at("base_url").find("tls", message, "use https, or say insecure: true")


def _entry(found: Mapping[str, Any]) -> ModelEntry:
    price = found.get("price")
    return ModelEntry(
        found["provider"],
        found["id"],
        found.get("base_url"),
        found.get("secret"),
        found.get("parameters", {}),
        None if price is None else Price(**price),
        Limits(**(found.get("limits") or {})),
        found.get("script", {}),
        found.get("insecure", False),
    )


def parameter_findings(
    entry: ModelEntry, own: Mapping[str, Any], root: str = "/parameters"
) -> tuple[Finding, ...]:
    """Find what an experiment's parameters ask that the entry's provider cannot give.

    `own` are the experiment's, already read; they stand over the entry's.
    """
    place = Place(Source(own, root=root), [])
    unsupported(own, entry.provider, place)
    conflicting({**entry.parameters, **own}, place)
    return tuple(place.findings)


def entry_to_json(entry: ModelEntry) -> dict[str, Any]:
    """Give the entry's keys, all of them, money as text; `read_entry` reads it back."""
    price = entry.price
    return {
        "provider": entry.provider,
        "id": entry.id,
        "base_url": entry.base_url,
        "secret": entry.secret,
        "parameters": dict(entry.parameters),
        "price": None
        if price is None
        else {
            "input_usd_per_million": usd_text(price.input_usd_per_million),
            "output_usd_per_million": usd_text(price.output_usd_per_million),
        },
        "limits": {name: getattr(entry.limits, name) for name in Limits.__slots__},
        "script": dict(entry.script),
        "insecure": entry.insecure,
    }


def entry_from_json(value: Mapping[str, Any]) -> ModelEntry:
    """Undo `entry_to_json`; the value is trusted."""
    price = value["price"]
    exact = None if price is None else {key: Decimal(usd) for key, usd in price.items()}
    return _entry({**value, "price": exact})
