"""The main function of a plugin."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping
from typing import NoReturn

from . import _streams
from ._session import Session
from .base import Editor, Plugin, Reward

USAGE = 2


def serve(*plugins: type[Reward] | type[Editor]) -> NoReturn:
    """Serves a reward, an editor, or one of each between which the recipe chooses, until the host says that it is enough.

    >>> if __name__ == "__main__":
    ...     serve(Brightness)
    """
    kinds = kinds_of(plugins)
    if is_by_hand():
        print(about(kinds), file=sys.stderr)
        raise SystemExit(USAGE)
    streams = _streams.protect()
    signal.signal(signal.SIGINT, lambda number, frame: None)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    raise SystemExit(Session(streams, kinds).run())


def kinds_of(plugins: tuple[type[Plugin], ...]) -> dict[str, type[Plugin]]:
    """What each class is, by the protocol's word."""
    kinds: dict[str, type[Plugin]] = {}
    for plugin in plugins:
        if not isinstance(plugin, type) or not issubclass(plugin, (Reward, Editor)):
            raise TypeError(f"serve: expected a class that derives from `Reward` or `Editor`, found {plugin!r:.80}")
        kind, methods = ("reward", ("score", "score_one")) if issubclass(plugin, Reward) else ("editor", ("edit", "edit_one"))
        base = Reward if kind == "reward" else Editor
        if all(getattr(plugin, method) is getattr(base, method) for method in methods):
            raise TypeError(f"serve: `{plugin.__name__}` writes neither `{methods[0]}` nor `{methods[1]}`: expected one of them")
        if kind in kinds:
            raise TypeError(
                f"serve: `{kinds[kind].__name__}` and `{plugin.__name__}` are both of kind {kind}: expected one of each at most"
            )
        kinds[kind] = plugin
    if not kinds:
        raise TypeError("serve: expected a class that derives from `Reward` or `Editor`, found none")
    return kinds


def is_by_hand() -> bool:
    """Whether a person started this, not a host."""
    return os.isatty(0) or any(argument in ("-h", "--help") for argument in sys.argv[1:])


def python() -> str:
    """How this Python is started from here: by its name where PATH leads to it, otherwise by its path."""
    path = sys.executable or "python3"
    if shutil.which(os.path.basename(path)) == path:
        return os.path.basename(path)
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


def about(kinds: Mapping[str, type[Plugin]]) -> str:
    """What it is, and how it is started."""
    command = [python(), *sys.argv[:1]]
    first = next(iter(kinds.values()))
    title = f"{first.name or first.__name__}: a plugin for editscale ({' and '.join(kinds)})."
    summary = (first.__doc__ or "").strip().partition("\n")[0]
    place = {"editor": "editor: {plugin: {run: [%s]}}", "reward": "rewards: [{model: {plugin: {run: [%s]}}, weight: 1.0}]"}
    lines = [
        title,
        summary,
        "editscale starts it and speaks with it over standard input and output. To try it:",
        f"    editscale plugin check -- {shlex.join(command)}",
        "To use it, in a recipe:",
        *(f"    {place[kind] % ', '.join(command)}" for kind in kinds),
    ]
    return "\n".join(line for line in lines if line)
