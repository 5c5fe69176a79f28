"""Keeps standard input and output for the protocol, whatever else is imported or started."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass

PIPE_BYTES = 1 << 20


@dataclass(frozen=True)
class Streams:
    """File descriptors that only the protocol knows. Programs that the plugin starts do not inherit them."""

    incoming: int
    outgoing: int


_taken: Streams | None = None


def protect() -> Streams:
    """Moves the protocol's streams away: what reads standard input finds its end, what prints prints to standard error.

    That holds for Python, for libraries in C and for programs that are started. What was printed before and still lies in the
    buffer of `sys.stdout` goes to standard error too, as nothing is flushed before the descriptors have changed places.
    """
    global _taken
    if _taken is None:
        _taken = Streams(incoming=os.dup(0), outgoing=os.dup(1))
        _point(0, os.O_RDONLY)
        if _is_open(2):
            os.dup2(2, 1)
        else:
            _point(1, os.O_WRONLY)
            _point(2, os.O_WRONLY)
        _flush_lines(sys.stdout)
        _widen(_taken)
    return _taken


def protect_under_host() -> None:
    """Protects where this process looks like a plugin: both streams are pipes or sockets, as a host makes them.

    A test or a notebook that imports a plugin keeps its output.
    """
    if _is_pipe(0) and _is_pipe(1):
        protect()


def _point(descriptor: int, flags: int) -> None:
    nothing = os.open(os.devnull, flags)
    if nothing != descriptor:
        os.dup2(nothing, descriptor)
        os.close(nothing)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _widen(streams: Streams) -> None:
    """Lets the pipes hold a picture, where the system can: fewer changes between the two processes."""
    try:
        import fcntl

        for stream in (streams.incoming, streams.outgoing):
            fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass


def _flush_lines(stream: object) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)
