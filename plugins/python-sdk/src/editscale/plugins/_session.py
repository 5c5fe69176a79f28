"""One life of a plugin: handshake, calls, end."""

from __future__ import annotations

import io
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from . import _version, _wire
from ._frames import LONGEST_FRAME, FrameError, Frames, decode, encode
from ._spool import Room, Spool
from ._streams import Streams
from .base import Editor, Plugin, Reward, isolated
from .call import Call
from .cards import EditorCard, RewardCard
from .config import Config
from .failures import Failure
from .pictures import encoded
from .work import Edited, Judged, outcomes

READ_BYTES = 1 << 20
END_SECONDS = 1.0
"""How long work may go on after the host is gone."""
LONGEST_TEXT = 200
SPOOL_VARIABLE = "EDITSCALE_SPOOL"
log = logging.getLogger("editscale.plugins")


class Ended(Exception):  # noqa: N818 - an end, not an error
    """The session is over; the number is the exit status."""


class Sender:
    """Writes frames, from any thread."""

    def __init__(self, descriptor: int) -> None:
        """To this file descriptor."""
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self.most = LONGEST_FRAME

    def send(self, name: str, value: Any) -> None:
        """Sends a message. Where nobody reads any more, there is nothing left to live for."""
        frame = memoryview(encode(name, value, self.most))
        with self._lock:
            try:
                while frame:
                    frame = frame[os.write(self._descriptor, frame) :]
            except OSError as error:
                leave(f"editscale does not read any more: {error}", 1)


class Session:
    """Speaks with the host: one thread listens all the time, the main thread and those beside it work."""

    def __init__(self, streams: Streams, plugins: Mapping[str, type[Plugin]]) -> None:
        """For what can be an editor, a reward, or either."""
        self._streams = streams
        self._plugins = plugins
        self._sender = Sender(streams.outgoing)
        self._welcome: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._calls: dict[int, Call] = {}
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._is_ending = False
        self._slots = 1
        self._plugin: Plugin
        self._card: RewardCard | EditorCard | None = None
        self._spool: Spool

    def run(self) -> int:
        """Lives until the host says that it is enough. The exit status."""
        self._sender.send("hello", hello(self._plugins))
        threading.Thread(target=self._listen, name="editscale-listen", daemon=True).start()
        try:
            self._begin(self._welcome.get())
        except Ended as end:
            return int(end.args[0])
        helpers = [threading.Thread(target=self._serve, name=f"editscale-slot-{slot}", daemon=True) for slot in range(1, self._slots)]
        for helper in helpers:
            helper.start()
        self._serve()
        for helper in helpers:
            helper.join()
        self._plugin.close()
        return 0

    def _begin(self, value: Any) -> None:
        if value is None:
            log.error("standard input ended before `welcome`: this is a plugin, which editscale starts")
            raise Ended(1)
        try:
            welcome = _wire.Welcome.of(value)
            _version.meet(_version.parse(welcome.version))
            if welcome.kind not in self._plugins:
                raise Failure(f"`welcome.kind`: expected {' or '.join(self._plugins)}, found {welcome.kind!r:.80}")
        except (Failure, _version.VersionError) as error:
            log.error("%s", error)
            raise Ended(1) from error
        self._sender.most = min(LONGEST_FRAME, welcome.frame_bytes)
        self._spool = Spool(welcome.spool, welcome.inline_bytes if sees_spool() else self._sender.most)
        self._load(welcome)

    def _load(self, welcome: _wire.Welcome) -> None:
        expected = RewardCard if welcome.kind == "reward" else EditorCard
        config = Config(welcome.config)
        try:
            self._plugin = plugin = self._plugins[welcome.kind]()
            card: Any = plugin.load(config) if isinstance(plugin, (Reward, Editor)) else None
            if not isinstance(card, expected):
                raise TypeError(f"`load` gave {card!r:.80}: expected {'an' if expected is EditorCard else 'a'} `{expected.__name__}`")
            config.check_unused()
        except Exception as error:
            failure = error if isinstance(error, Failure) else unready(error)
            log.error("cannot get ready: %s", failure.message, exc_info=not isinstance(error, (Failure, ValueError)))
            self._sender.send("unready", failure.to_wire())
            raise Ended(1) from error
        self._card, self._slots = card, card.slots
        self._sender.send("ready", {welcome.kind: card.to_wire()})

    def _listen(self) -> None:
        frames = Frames()
        try:
            stream, buffer = io.FileIO(self._streams.incoming, closefd=False), memoryview(bytearray(READ_BYTES))
            while length := stream.readinto(buffer):
                for body in frames.push(buffer[:length]):
                    self._take(*decode(body))
            frames.end()
        except (FrameError, OSError) as error:
            leave(f"{error}", 1)
        self._welcome.put(None)
        for call in self._under_way():
            call.cancel()
        self._end(END_SECONDS)

    def _take(self, name: str, value: Any) -> None:
        try:
            if name == "ping":
                self._sender.send("pong", value)
            elif name == "call":
                self._take_call(value)
            elif name == "cancel":
                self._cancel(value)
            elif name == "release":
                self._work.put(lambda: self._release(value))
            elif name == "welcome":
                self._welcome.put(value)
            elif name == "shutdown":
                self._end(float(value))
            else:
                log.debug("a message `%.80s` is not known here and left aside", name)
        except FrameError:
            raise
        except Exception as error:  # a message that is not what it should be must not end the thread that listens
            log.warning("a message `%.80s` is left aside: %s", name, error)

    def _take_call(self, value: Any) -> None:
        number = value.get("id") if isinstance(value, Mapping) else None
        if isinstance(number, bool) or not isinstance(number, int):
            raise Failure(f"`call.id`: expected a whole number, found {value!r:.80}")
        seconds = value.get("deadline_secs")
        if self._is_ending or isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
            why = "the plugin is ending" if self._is_ending else f"`call.deadline_secs`: expected seconds, found {seconds!r:.80}"
            kind = Failure(why, kind="unavailable" if self._is_ending else "invalid")
            self._sender.send("answer", {"failed": {"id": number, "why": kind.to_wire()}})
            return
        call = Call(number, float(seconds), self if isinstance(self._card, EditorCard) else None)
        with self._lock:
            self._calls[number] = call
        self._work.put(lambda: self._answer(call, value.get("method")))

    def _cancel(self, value: Any) -> None:
        with self._lock:
            call = self._calls.get(value)
        if call is not None:
            call.cancel()

    def _under_way(self) -> list[Call]:
        with self._lock:
            return list(self._calls.values())

    def _end(self, seconds: float) -> None:
        if not self._is_ending:
            self._is_ending = True
            self._work.put(None)
        guard = threading.Timer(min(max(0.0, seconds), threading.TIMEOUT_MAX), leave, ("work was still under way at the end", 1))
        guard.daemon = True
        guard.start()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except SystemExit as error:
                leave(f"the plugin's code called sys.exit({error.code!r})", error.code if isinstance(error.code, int) else 1)
        self._work.put(None)  # for the thread beside this one

    def _release(self, value: Any) -> None:
        try:
            if isinstance(self._plugin, Editor):
                self._plugin.release(_wire.paused_keys(value))
        except Exception:
            log.exception("paused states could not be released")

    def _answer(self, call: Call, method: Any) -> None:
        try:
            answer = self._done(call, method)
        except Exception as error:
            if not isinstance(error, Failure):
                log.exception("call %d failed", call.number)
            answer = {"failed": {"id": call.number, "why": Failure.of(error).to_wire()}}
        with self._telling:
            with self._lock:
                self._calls.pop(call.number, None)
            try:
                self._sender.send("answer", answer)
            except FrameError as error:
                self._sender.send("answer", {"failed": {"id": call.number, "why": Failure.of(error).to_wire()}})

    def _done(self, call: Call, method: Any) -> dict[str, Any]:
        if not isinstance(method, Mapping) or len(method) != 1:
            raise Failure(f"`call.method`: expected a map with one key, found {method!r:.80}", kind="invalid")
        [(name, value)] = method.items()
        plugin = self._plugin
        if name == "score" and isinstance(plugin, Reward):
            return {"judged": {"id": call.number, "items": self._score(plugin, call, value)}}
        if name == "edit" and isinstance(plugin, Editor):
            return {"edited": {"id": call.number, "items": self._edit(plugin, call, value)}}
        if name == "adopt" and isinstance(plugin, Editor):
            adopted = _wire.weights(value)
            checksum = plugin.adopt(adopted)
            if not isinstance(checksum, str) or not checksum:
                raise Failure(f"`adopt` gave {checksum!r:.80}: expected a checksum of the weights", kind="ambiguous")
            return {"adopted": {"id": call.number, "weights": {"version": adopted.version, "checksum": checksum}}}
        raise Failure(f"`call.method`: {name!r:.80} is not known here", kind="invalid")

    def _score(self, plugin: Reward, call: Call, value: Any) -> list[Any]:
        items = _wire.reward_items(value, self._spool)
        call.items = len(items)
        call.check_cancelled()
        is_listwise = isinstance(self._card, RewardCard) and self._card.kind == "listwise"
        given = outcomes(plugin.score(items, call), len(items), "score") if is_listwise else isolated(items, call, plugin.score, "score")
        return [outcome(each, lambda made: Judged.of(made).to_wire()) for each in given]

    def _edit(self, plugin: Editor, call: Call, value: Any) -> list[Any]:
        knobs = self._card.knobs if isinstance(self._card, EditorCard) else ()
        items = _wire.edit_items(value, self._spool, knobs)
        call.items = len(items)
        call.check_cancelled()
        is_costly = isinstance(self._card, EditorCard) and self._card.recovery == "unknown"
        given = outcomes(plugin.edit(items, call), len(items), "edit") if is_costly else isolated(items, call, plugin.edit, "edit")
        room = self._room()
        made = [outcome(each, lambda made: _wire.edited(Edited.of(made), self._spool, room)) for each in given]
        for index, each in enumerate(made):
            if "done" in each:
                call.done(index)
        return made

    def _room(self) -> Room:
        return Room(self._sender.most // _wire.MESSAGE_SHARE if sees_spool() else self._sender.most)

    def progress(self, call: int, item: int, step: int, steps: int) -> None:
        """Tells the host how far an item is."""
        self._tell("progress", call, {"id": call, "item": item, "step": step, "steps": steps})

    def preview(self, call: int, item: int, image: Any) -> None:
        """Shows the host what an item looks like so far."""
        picture = self._spool.pack_picture(encoded(image), self._room())
        self._tell("preview", call, {"id": call, "item": item, "image": picture})

    def _tell(self, name: str, call: int, value: dict[str, Any]) -> None:
        """Sends it, unless the call was answered: a thread of the plugin may be late, and the host takes that for a mistake."""
        with self._telling:
            with self._lock:
                is_under_way = call in self._calls
            if is_under_way:
                self._sender.send(name, value)


def hello(plugins: Mapping[str, type[Plugin]]) -> dict[str, Any]:
    """What the plugin says first of all."""
    from editscale import __version__

    first = next(iter(plugins.values()))
    features = ["spool", "cancel"] if sees_spool() else ["cancel"]
    if "editor" in plugins:
        features += ["progress", "preview", "pause", "trajectories", "adopt"]
    return {
        "protocol": _version.PROTOCOL,
        "version": _version.spell(_version.OURS),
        "name": (first.name or first.__name__)[:LONGEST_TEXT],
        "plugin_version": first.version[:LONGEST_TEXT],
        "sdk": f"python {__version__}",
        "kinds": list(plugins),
        "features": features,
    }


def sees_spool() -> bool:
    """Whether this process sees the host's files: not so in a container that they are not mounted in."""
    return os.environ.get(SPOOL_VARIABLE) != "off"


def outcome(made: Any, to_wire: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """What came of one item, as a message has it."""
    try:
        if isinstance(made, Failure):
            raise made
        return {"done": to_wire(made)}
    except Exception as error:
        if not isinstance(error, Failure):
            log.exception("the outcome of an item is not what it should be")
        return {"failed": Failure.of(error).to_wire()}


def unready(error: Exception) -> Failure:
    """Why `load` failed."""
    if isinstance(error, ImportError) and error.name:
        return Failure(f"{error} (with {sys.executable}): install it there", kind="invalid")
    if isinstance(error, ValueError) and str(error):
        return Failure(str(error), kind="invalid")
    return Failure.of(error)


def leave(reason: str, status: int) -> None:
    """Ends the process at once, with its helpers, whatever they are doing."""
    log.error("ends: %s", reason)
    if "multiprocessing" in sys.modules:
        for child in sys.modules["multiprocessing"].active_children():
            child.kill()
    logging.shutdown()
    os._exit(status)
