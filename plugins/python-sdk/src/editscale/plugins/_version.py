"""Versions of the protocol, and which go together: an equal major number does, whatever the minor one."""

from __future__ import annotations

import re
from typing import Any

PROTOCOL = "editscale-plugin"
OURS = (1, 0)
LARGEST = 65535


class VersionError(ValueError):
    """Two sides that cannot work together, or what is not a version."""


def spell(version: tuple[int, int]) -> str:
    """As it stands on the wire."""
    return f"{version[0]}.{version[1]}"


def parse(text: Any) -> tuple[int, int]:
    """A version from `MAJOR.MINOR`."""
    found = re.fullmatch(r"([0-9]{1,5})\.([0-9]{1,5})", text) if isinstance(text, str) else None
    if found is None or max(version := (int(found[1]), int(found[2]))) > LARGEST:
        raise VersionError(f"{text!r:.80} is not a version: expected two numbers, as in `1.0`")
    return version


def meet(theirs: tuple[int, int]) -> None:
    """Raises where this side cannot work with a host of that version."""
    if theirs[0] == OURS[0]:
        return
    advice = "update this plugin's package `editscale`" if theirs > OURS else "update editscale, or use an earlier package `editscale`"
    raise VersionError(f"this plugin speaks version {spell(OURS)} of the plugin protocol, editscale speaks {spell(theirs)}: {advice}")
