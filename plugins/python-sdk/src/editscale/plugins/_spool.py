"""The folder through which large pictures go. The host owns it and removes what is in it."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .failures import Failure
from .pictures import FilePlace, Picture, media_of

ENDINGS = {"image/jpeg": "jpg"}


class Spool:
    """Reads what the host put there, and writes below `plugin/`."""

    def __init__(self, folder: str, inline_bytes: int) -> None:
        """Files for what is larger than `inline_bytes`."""
        self.folder = Path(folder)
        self.inline_bytes = inline_bytes
        self._lock = threading.Lock()
        self._written = 0

    def body(self, value: Any) -> bytes | FilePlace:
        """What a message says of a picture's bytes, or of a row of numbers."""
        if isinstance(value, Mapping) and isinstance(value.get("inline"), bytes):
            data: bytes = value["inline"]
            return data
        if isinstance(value, Mapping) and isinstance(value.get("file"), Mapping):
            return self._place(value["file"])
        raise Failure(f"expected a body that is `inline` or a `file`, found {value!r:.80}", kind="invalid")

    def pack(self, data: bytes, ending: str, room: Room) -> dict[str, Any]:
        """These bytes as a message has them: in itself, or as a file."""
        if len(data) <= self.inline_bytes and room.take(len(data)):
            return {"inline": data}
        place = self._write(data, ending)
        return {"file": {"path": str(place.path), "length": place.length, "sha256": place.sha256}}

    def pack_picture(self, data: bytes, room: Room) -> dict[str, Any]:
        """A picture as a message has it."""
        media = media_of(data)
        ending = ENDINGS.get(media, media.rpartition("/")[2])
        return {"media": media, "body": self.pack(data, ending, room)}

    def picture(self, value: Any) -> Picture:
        """A picture that a message brought."""
        if not isinstance(value, Mapping) or not isinstance(value.get("media"), str):
            raise Failure(f"expected a picture with its `media`, found {value!r:.80}", kind="invalid")
        return Picture(self.body(value.get("body")), value["media"], value.get("width"), value.get("height"))

    def _place(self, value: Mapping[str, Any]) -> FilePlace:
        path, length, digest = value.get("path"), value.get("length"), value.get("sha256")
        if not (isinstance(path, str) and isinstance(length, int) and isinstance(digest, str)):
            raise Failure(f"expected a file with `path`, `length` and `sha256`, found {value!r:.200}", kind="invalid")
        try:
            is_inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.folder))
        except ValueError as error:  # a path with a zero byte
            raise Failure(f"the path {path!r:.200} cannot be one: {error}", kind="invalid") from error
        if not is_inside:
            raise Failure(f"the file {path:.200} is outside of the spool {self.folder}", kind="invalid")
        return FilePlace(Path(path), length, digest)

    def _write(self, data: bytes, ending: str) -> FilePlace:
        with self._lock:
            self._written += 1
            number = self._written
        folder = self.folder / "plugin"
        path = folder / f"{os.getpid()}-{number}.{ending}"
        hidden = folder / f".{path.name}.part"
        try:
            folder.mkdir(exist_ok=True)
            hidden.write_bytes(data)
            hidden.rename(path)
        except OSError as error:
            hidden.unlink(missing_ok=True)
            raise Failure(f"the file {path} cannot be written: {error}", kind="unavailable") from error
        return FilePlace(path, len(data), hashlib.sha256(data).hexdigest())


class Room:
    """What one message may hold in itself: the rest goes into files, so that no frame becomes too long."""

    def __init__(self, size: int) -> None:
        """For so many bytes."""
        self._left = size

    def take(self, size: int) -> bool:
        """Whether there is room for so many more, which are taken then."""
        if size > self._left:
            return False
        self._left -= size
        return True
