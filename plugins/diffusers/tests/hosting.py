"""A small host: starts the plugin as editscale does, and speaks with it frame by frame."""

import contextlib
import io
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgpack
from PIL import Image

PLUGINS = Path(__file__).resolve().parents[2]
PATIENCE = 240
SOURCES = [str(PLUGINS / "diffusers" / "src"), str(PLUGINS / "python-sdk" / "src")]


class Host:
    """The plugin in a process of its own."""

    def __init__(self, config, spool, environment=None):
        """Starts it, without a word."""
        (spool / "host").mkdir(parents=True, exist_ok=True)
        (spool / "plugin").mkdir(exist_ok=True)
        variables = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(SOURCES), **(environment or {})}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-W", "ignore", "-m", "editscale_diffusers"]
        self.child = subprocess.Popen(command, env=variables, start_new_session=True, cwd=spool, **pipes)
        self.messages, self.log, self.calls = queue.SimpleQueue(), b"", 0
        for target in (self._read, self._log):
            threading.Thread(target=target, daemon=True).start()
        self.welcome = {"version": "1.0", "kind": "editor", "name": "it", "session": "s1", "spool": str(spool), "config": config}
        self.welcome |= {"frame_bytes": 128 << 20, "inline_bytes": 1 << 20}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(PATIENCE)
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _read(self):
        stream = self.child.stdout
        with contextlib.suppress(ValueError):
            while len(head := stream.read(4)) == 4:
                self.messages.put(msgpack.unpackb(stream.read(int.from_bytes(head, "little"))))
        self.messages.put({"end": None})

    def _log(self):
        with contextlib.suppress(ValueError):
            while data := self.child.stderr.read1(1 << 16):
                self.log += data

    def send(self, name, value):
        """Sends a message."""
        body = msgpack.packb({name: value})
        self.child.stdin.write(len(body).to_bytes(4, "little") + body)
        self.child.stdin.flush()

    def receive(self):
        """The next message."""
        [(name, value)] = self.messages.get(timeout=PATIENCE).items()
        return name, value

    def expect(self, wanted):
        """The next message, which must be this one."""
        name, value = self.receive()
        assert name == wanted, (name, value, self.log.decode()[-3000:])
        return value

    def _begin(self, wanted):
        self.expect("hello")
        self.send("welcome", self.welcome)
        return self.expect(wanted)

    def ready(self):
        """Through the handshake; the card."""
        self.card = self._begin("ready")["editor"]
        return self.card

    def unready(self):
        """Through a handshake that ends without a card; what it says."""
        told = self._begin("unready")
        assert self.child.wait(PATIENCE) == 1
        return told["message"]

    def begin(self, method):
        """Sends a call; its number."""
        self.calls += 1
        self.send("call", {"id": self.calls, "deadline_secs": 200.0, "method": method})
        return self.calls

    def until_answer(self):
        """The answer, and what was told before it."""
        told = []
        while True:
            name, value = self.receive()
            if name == "answer":
                return value, told
            assert name != "end", self.log.decode()[-3000:]
            told.append((name, value))

    def edit(self, *items, images=None):
        """The outcomes of these items, and what was told meanwhile."""
        self.begin(edit_method(items, images))
        answer, told = self.until_answer()
        assert "edited" in answer, answer
        return answer["edited"]["items"], told

    def made(self, *items, images=None):
        """What these items became, all of which must succeed."""
        outcomes, _ = self.edit(*items, images=images)
        assert all("done" in outcome for outcome in outcomes), outcomes
        return [outcome["done"] for outcome in outcomes]

    def pixels(self, *items, images=None):
        """The pictures of these items."""
        return [opened(made).tobytes() for made in self.made(*items, images=images)]

    def adopt(self, kind, scale=1.0):
        """Other weights."""
        self.begin({"adopt": {"version": "v", "kind": kind, "scale": scale}})
        return self.until_answer()[0]


def edit_method(items, images=None):
    return {"edit": {"images": images or [picture()], "items": list(items)}}


def picture(size=(96, 80), mode="RGB", shift=0):
    """A picture with something in it."""
    ramp = Image.linear_gradient("L").resize(size)
    other = Image.radial_gradient("L").resize(size).rotate(shift)
    return encoded(Image.merge("RGB", (ramp, other, ramp.transpose(Image.Transpose.ROTATE_180))).convert(mode))


def encoded(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return {"media": "image/png", "width": image.width, "height": image.height, "body": {"inline": buffer.getvalue()}}


def opened(made):
    """The picture in an outcome, wherever it lies."""
    [(kind, body)] = made["image"]["body"].items()
    data = body if kind == "inline" else Path(body["path"]).read_bytes()
    return Image.open(io.BytesIO(data)).convert("RGB")


def proposal(candidate=0, seed=5, start="source", until=None, instruction="make the sky blue", knobs=None):
    told = {"candidate": candidate, "start": start, "until_step": until, "seed": seed, "instruction": instruction}
    return {**told, "knobs": knobs or {}}


def item(candidate=0, *, path=(), size=None, mask=None, **told):
    return {
        "run": "run",
        "source": 0,
        "mask": mask,
        "request_instruction": "make the sky blue",
        "output_size": size,
        "start_picture": 0,
        "proposal": proposal(candidate, **told),
        "path": list(path),
    }
