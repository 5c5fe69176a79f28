"""A small host: starts a plugin as editscale does and speaks with it, frame by frame."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgpack

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "tests" / "peers"
PATIENCE = 60
PNG = b"\x89PNG\r\n\x1a\n" + b"not a whole one"


def frame(message):
    body = message if isinstance(message, bytes) else msgpack.packb(message)
    return len(body).to_bytes(4, "little") + body


class Host:
    """A plugin under a host that does nothing by itself."""

    def __init__(
        self, script, spool, *, kind="reward", config=None, version="1.0", inline_bytes=1 << 20, frame_bytes=128 << 20, environment=None
    ):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **(environment or {})}
        command = [sys.executable, str(script)]
        self.spool = spool
        (spool / "host").mkdir(parents=True, exist_ok=True)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.child = subprocess.Popen(command, env=environment, start_new_session=True, **pipes)
        self.messages = queue.SimpleQueue()
        self.log = b""
        self.readers = [threading.Thread(target=self._read, daemon=True), threading.Thread(target=self._log, daemon=True)]
        for reader in self.readers:
            reader.start()
        self.welcome = {
            "version": version,
            "kind": kind,
            "name": "it",
            "session": "session-1",
            "spool": str(spool),
            "config": config or {},
            "frame_bytes": frame_bytes,
            "inline_bytes": inline_bytes,
            "a_key_of_a_later_version": [1],
        }
        self.calls = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(PATIENCE)
        for reader in self.readers:
            reader.join(PATIENCE)
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _read(self):
        stream = self.child.stdout
        while len(head := stream.read(4)) == 4:
            self.messages.put(msgpack.unpackb(stream.read(int.from_bytes(head, "little"))))
        self.messages.put({"end": head})

    def _log(self):
        while data := self.child.stderr.read1(1 << 16):
            self.log += data

    def raw(self, data):
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def send(self, name, value):
        self.raw(frame({name: value}))

    def receive(self):
        [(name, value)] = self.messages.get(timeout=PATIENCE).items()
        return name, value

    def expect(self, name):
        found, value = self.receive()
        assert found == name, (found, value, self.log.decode())
        return value

    def ready(self):
        """Through the handshake; the card."""
        self.hello = self.expect("hello")
        self.send("welcome", self.welcome)
        return self.expect("ready")

    def refused(self):
        """Through a handshake that ends without a card; the failure."""
        self.expect("hello")
        self.send("welcome", self.welcome)
        return self.expect("unready")

    def call(self, method, seconds=30.0):
        """Sends a call; its number."""
        self.calls += 1
        self.send("call", {"id": self.calls, "deadline_secs": seconds, "method": method, "later": None})
        return self.calls

    def answer(self, method):
        """The answer to a call, and what was told meanwhile."""
        number, told = self.call(method), []
        while True:
            name, value = self.receive()
            if name == "answer":
                [(kind, answer)] = value.items()
                assert answer["id"] == number
                return kind, answer, told
            told.append((name, value))

    def items(self, method):
        """The outcomes of a call."""
        kind, answer, _ = self.answer(method)
        assert kind in ("judged", "edited"), answer
        return answer["items"]

    def score(self, *instructions):
        """The outcomes of these instructions."""
        return self.items(judge(*instructions))

    def end(self):
        """The exit status, once it has ended by itself; the log is whole then."""
        status = self.child.wait(PATIENCE)
        for reader in self.readers:
            reader.join(PATIENCE)
        return status

    def wait_for(self, text):
        """Until the log says this."""
        limit = threading.Event()
        for _ in range(PATIENCE * 100):
            if text.encode() in self.log:
                return
            limit.wait(0.01)
        raise AssertionError(self.log.decode())


def picture(body=PNG):
    body = {"inline": body} if isinstance(body, bytes) else body
    return {"media": "image/png", "width": 4, "height": 3, "body": body, "later": 1}


def judge(*instructions, images=None):
    items = [{"source": 0, "candidate": 1, "instruction": text, "mask": None, "later": {}} for text in instructions]
    return {"score": {"images": images or [picture(), picture()], "items": items, "later": 0}}


def edit(*items, images=None):
    return {"edit": {"images": images or [picture()], "items": list(items)}}


def item(candidate=0, instruction="x", seed=5, start="source", until=None, path=(), knobs=None, run="r"):
    return {
        "run": run,
        "source": 0,
        "mask": None,
        "request_instruction": "what was asked",
        "output_size": None,
        "start_picture": 0,
        "proposal": proposal(candidate, instruction, seed, start, until, knobs),
        "path": list(path),
    }


def proposal(candidate=0, instruction="x", seed=5, start="source", until=None, knobs=None):
    told = {"candidate": candidate, "start": start, "until_step": until, "seed": seed, "instruction": instruction}
    return {**told, "knobs": knobs or {}}
