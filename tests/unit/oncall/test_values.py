"""The values of the room are frozen and slotted, and its names are where the room says."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import is_dataclass

from llm_research_lab import oncall

STATE = {"_Event"}
"""What is filled while a text is read, and given to nobody."""


def values():
    for module in pkgutil.iter_modules(oncall.__path__, "llm_research_lab.oncall."):
        loaded = importlib.import_module(module.name)
        for name, one in inspect.getmembers(loaded, inspect.isclass):
            if is_dataclass(one) and one.__module__ == module.name and name not in STATE:
                yield one


def test_every_value_is_frozen_and_slotted():
    found = list(values())
    assert len(found) > 50
    for one in found:
        assert one.__dataclass_params__.frozen, one
        assert "__slots__" in vars(one), one


def test_the_room_gives_what_it_says():
    assert [name for name in oncall.__all__ if not hasattr(oncall, name)] == []
