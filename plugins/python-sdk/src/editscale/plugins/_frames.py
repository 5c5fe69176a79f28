"""Frames: a length of four bytes, least significant first, and that many bytes of MessagePack: a map with one key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgpack

LONGEST_FRAME = 128 << 20
"""The longest frame that is sent or taken, unless the host takes less."""
HEAD = 4


class FrameError(ValueError):
    """What is wrong with a frame. It cannot be mended, as nobody knows where the next frame begins."""


class Frames:
    """Cuts a stream of bytes into the bodies of frames. Memory grows with what came, never with what a length claims."""

    def __init__(self, most: int = LONGEST_FRAME) -> None:
        """For frames of at most `most` bytes."""
        self._most = most
        self._held = bytearray()

    def push(self, data: bytes | memoryview) -> Iterator[bytes]:
        """The bodies that are whole with these bytes."""
        self._held += data
        while (body := self._next()) is not None:
            yield body

    def end(self) -> None:
        """To be asked at the end of the stream: whether it ended between frames."""
        if self._held:
            expected = HEAD + int.from_bytes(self._held[:HEAD], "little") if len(self._held) >= HEAD else HEAD
            raise FrameError(f"the stream ends within a frame: expected {expected} bytes, found {len(self._held)}")

    def _next(self) -> bytes | None:
        if len(self._held) < HEAD:
            return None
        head = bytes(self._held[:HEAD])
        length = int.from_bytes(head, "little")
        if length > self._most:
            raise FrameError(f"a frame says that it is {length} bytes long: expected at most {self._most}{_printed(head)}")
        if length == 0:
            raise FrameError("a frame says that it is empty: expected a message")
        if len(self._held) < HEAD + length:
            return None
        with memoryview(self._held) as held:
            body = bytes(held[HEAD : HEAD + length])
        del self._held[: HEAD + length]
        return body


def _printed(head: bytes) -> str:
    if all(0x20 <= byte < 0x7F or byte in b"\r\n\t" for byte in head):
        return f" (read as text it begins with {head.decode('ascii')!r}: something else writes to this stream)"
    return ""


def encode(name: str, value: Any, most: int = LONGEST_FRAME) -> bytes:
    """The frame of a message."""
    try:
        body: bytes = msgpack.packb({name: value}, use_bin_type=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise FrameError(f"`{name}` cannot be sent: {error}") from error
    if len(body) > most:
        raise FrameError(f"`{name}` cannot be sent: it is {len(body)} bytes long, expected at most {most}")
    return len(body).to_bytes(HEAD, "little") + body


def decode(body: bytes) -> tuple[str, Any]:
    """The name of the message in a frame's body, and what it says."""
    try:
        message = msgpack.unpackb(body, raw=False)
    except Exception as error:  # msgpack's own exceptions have no common base with those of Python that it lets through
        raise FrameError(f"a frame of {len(body)} bytes is no message: {error or type(error).__name__}") from error
    if not isinstance(message, Mapping) or len(message) != 1:
        raise FrameError(f"a frame of {len(body)} bytes is no message: expected a map with one key, found {_describe(message)}")
    [(name, value)] = message.items()
    if not isinstance(name, str):
        raise FrameError(f"a frame of {len(body)} bytes is no message: expected a name as its key, found {name!r:.80}")
    return name, value


def _describe(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"one with {len(value)}"
    return f"{type(value).__name__} {value!r:.80}"
