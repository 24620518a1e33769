"""YAML (and so JSON) that a user wrote, into plain values."""

from __future__ import annotations

from typing import Any


def read_yaml(text: str, where: str) -> Any:
    """Read YAML 1.2; LabError says line and column of what is wrong."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    from llm_research_lab.vocabulary import LabError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise LabError(
            where + place, "YAML", str(error.problem), "mend the file at that place"
        ) from error
    except YAMLError as error:
        raise LabError(where, "YAML", str(error), "mend the file") from error
