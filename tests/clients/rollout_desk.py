"""What the proofs of rollouts share: a data set, workers, a NATS server, and a comparison of what was written."""

import hashlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tarfile
import time
import traceback
import zlib
from pathlib import Path

import pyarrow.parquet

QUALITIES = (
    "warmer", "cooler", "brighter", "darker", "more contrasty", "less contrasty", "more saturated", "less saturated",
    "more vibrant", "sharper", "softer",
)
AMOUNTS = ("", "a little ", "slightly ", "much ")
RECIPE = """\
version: 1
editor: {darkroom: {}}
rewards: [%s]
search: {best_of_n: {samples: %d}}
rollout:
  export:
    groups_per_shard: %d
    webdataset: true
    pairs: {choose: best_worst, margin: 0.01}
"""
PHOTOMETRIC = "{model: {photometric: {}}}"


def png(number, width, height):
    """A drawn landscape with some grain, as a PNG."""
    chance = random.Random(f"picture {number}")
    sky, ground, sun = ([chance.randrange(40, 216) for _ in range(3)] for _ in range(3))
    horizon, middle, radius = chance.uniform(0.4, 0.7), (chance.random() * width, chance.uniform(0.1, 0.4) * height), height / 6
    lines = bytearray()
    for y in range(height):
        lines.append(0)
        for x in range(width):
            is_sun = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 < radius**2
            base = sun if is_sun else sky if y < horizon * height else ground
            lines += bytes(min(255, max(0, shade + (x * 30) // width - y * 20 // height + chance.randrange(-6, 7))) for shade in base)
    chunks = ((b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(lines))), (b"IEND", b""))
    framed = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def instruction(chance):
    """One to three wishes that the darkroom understands."""
    wishes = [chance.choice(AMOUNTS) + quality for quality in chance.sample(QUALITIES[::2], chance.randint(1, 3))]
    return "make it " + " and ".join(wishes)


class Desk:
    """A folder with a data set and a recipe, and the program."""

    def __init__(self, program, folder, requests, samples=8, size=(96, 72), per_shard=50, reward=PHOTOMETRIC):
        self.program, self.folder, self.requests, self.samples = str(Path(program).resolve()), Path(folder).resolve(), requests, samples
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rows, self.recipe = self.folder / "rows.jsonl", self.folder / "recipe.yaml"
        chance = random.Random(8)
        for number in range(12):
            (self.folder / f"{number}.png").write_bytes(png(number, *size))
        lines = (
            {"id": f"row-{row}", "source": f"{chance.randrange(12)}.png", "instruction": instruction(chance)} for row in range(requests)
        )
        self.rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.recipe.write_text(RECIPE % (reward, samples, per_shard))

    def command(self, out, *more):
        return [self.program, "run", str(self.rows), "--recipe", str(self.recipe), "--out", str(out), *map(str, more)]

    def start(self, out, *more, env=None, before=()):
        """A process of the run; what it says is added to `OUT.log`."""
        log = open(f"{out}.log", "ab")
        environment = {**os.environ, **(env or {})}
        # By itself: who is to die is this process, not a group.
        process = subprocess.Popen([*before, *self.command(out, *more)], stdout=log, stderr=log, env=environment)
        log.close()
        return process

    def run(self, out, *more, limit=1800, **settings):
        """A run to its end: its exit code."""
        process = self.start(out, *more, **settings)
        try:
            return process.wait(limit)
        finally:
            stop_all([process])


class Nats:
    """A server whose store survives it."""

    def __init__(self, server, folder, host="127.0.0.1"):
        self.server, self.folder, self.host, self.port, self.process = server, Path(folder), host, -1, None
        (self.folder / "ports").mkdir(parents=True)
        self.start()

    def start(self):
        """Starts it; the first time at a free port, later at the same."""
        for file in (self.folder / "ports").glob("*.ports"):
            file.unlink()
        places = ["--store_dir", self.folder / "store", "--ports_file_dir", self.folder / "ports"]
        with open(self.folder / "log", "ab") as log:
            command = [self.server, "--addr", self.host, "--port", str(self.port), "--jetstream", *places]
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
        wait_for(lambda: list((self.folder / "ports").glob("*.ports")), 60, "the NATS server to start")
        said = json.loads(next((self.folder / "ports").glob("*.ports")).read_text())
        self.port = int(said["nats"][0].rsplit(":", 1)[1])

    @property
    def address(self):
        return f"nats://{self.host}:{self.port}"

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def wait_for(condition, limit, what):
    """What a condition answers once it holds; an error after the limit."""
    end = time.monotonic() + limit
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit} s for {what}")
        time.sleep(0.05)
    return answer


def progress(out):
    """What `progress.json` says; nothing before it is there."""
    try:
        return json.loads((Path(out) / "progress.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def ended(out):
    said = progress(out)
    return said.get("done", 0) + said.get("skipped", 0) + said.get("dead", 0)


def stop_all(processes):
    """Ends what still runs. A process that is stopped dies of this, too."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


def is_kept(name):
    return not name.startswith("timing_") and name != "worker"


def digested(value):
    """A value with its bytes by their digest."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, dict):
        return {name: digested(part) for name, part in value.items()}
    return [digested(part) for part in value] if isinstance(value, list) else value


class Written:
    """What a run has written, without what differs from run to run."""

    def __init__(self, out):
        self.out = Path(out)
        rows = list(self.parquet("parquet"))
        self.count = len(rows)
        self.redelivered = len({row["rollout_id"] for row in rows if row["timing_delivery"] > 1})
        self.workers = len({row["worker"] for row in rows})
        self.groups = {}
        for row in rows:
            self.groups.setdefault(row["row_id"], []).append((row["rollout_id"], row["candidate"]))
        kept = ({name: part for name, part in row.items() if is_kept(name)} for row in rows)
        self.rows = {(row["rollout_id"], row["candidate"]): row for row in kept}
        self.pictures = {key: (row["source"], row["image"]) for key, row in self.rows.items()}
        self.pairs = sorted(json.dumps(row, sort_keys=True) for row in self.parquet("views/pairs"))
        members = list(self.members())
        self.member_count, self.samples = len(members), dict(members)
        self.skipped = [json.loads(line) for path in sorted(self.out.glob("skipped/*.jsonl")) for line in path.read_text().splitlines()]

    def parquet(self, kind):
        for path in sorted((self.out / kind).glob("*.parquet")):
            with pyarrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(64):
                    yield from map(digested, batch.to_pylist())

    def members(self):
        for path in sorted((self.out / "webdataset").glob("*.tar")):
            with tarfile.open(path) as tar:
                for member in tar:
                    data = tar.extractfile(member).read()
                    if member.name.endswith(".json"):
                        data = {name: part for name, part in json.loads(data).items() if is_kept(name)}
                    yield member.name, digested(data)

    def leftovers(self):
        """What should be gone once all is written."""
        folders = ("shards", "parquet", "webdataset", "views", "trajectories")
        parts = [path for folder in folders for path in (self.out / folder).rglob("*.part")]
        packs = [path for path in (self.out / "depot/packs").rglob("*") if path.is_file()]
        return parts + packs + list((self.out / "work").glob("*"))


class Checks:
    """Counts what holds and tells what does not."""

    def __init__(self):
        self.passed = self.failed = 0
        # Whoever is asked to end cleans up first.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def that(self, holds, what, detail=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        print(f"{'ok    ' if holds else 'FAILED'} {what}" + (f": {detail}" if detail and not holds else ""), flush=True)

    def same(self, found, expected, what):
        """Two dictionaries are equal."""
        differing = [key for key in expected if found.get(key) != expected[key]]
        extra = [key for key in found if key not in expected]
        detail = ""
        if differing:
            one, other = expected[differing[0]], found.get(differing[0])
            names = [name for name in one if other.get(name) != one[name]] if isinstance(one, dict) and isinstance(other, dict) else ""
            detail = f"{len(differing)} differ or are missing, such as {differing[0]} {names}; "
        self.that(not differing and not extra, what, f"{detail}{len(extra)} are too many")

    def export(self, out, quiet, requests, samples):
        """What a disturbed run has written is what an undisturbed one has."""
        found, state = Written(out), progress(out)
        self.that(state.get("state") == "finished" and state["done"] == requests, "all is done and written", state)
        whole = [(row, keys) for row, keys in found.groups.items() if sorted(n for _, n in keys) != list(range(samples))]
        self.that(len(found.groups) == requests and not whole, "every group is there exactly once", f"{len(found.groups)} groups; {whole[:2]}")
        self.that(found.count == len(found.rows) == requests * samples, "every candidate is there exactly once", f"{found.count} rows")
        self.same(found.rows, quiet.rows, "rows are equal but for timing and worker")
        self.same(found.pictures, quiet.pictures, "pictures are equal, byte by byte")
        self.that(found.pairs == quiet.pairs, "preference pairs are equal")
        self.that(found.member_count == len(found.samples), "every member of the archives is there exactly once", found.member_count)
        self.same(found.samples, quiet.samples, "members of the archives are equal")
        left = found.leftovers()
        self.that(not left, "nothing is left under way", f"{len(left)}, such as {left[:2]}")
        return found

    def attempt(self, name, trial, *arguments):
        """Carries a trial out; an error is a failure of it."""
        print(f"-- {name}", flush=True)
        try:
            trial(*arguments)
        except Exception:
            traceback.print_exc(file=sys.stdout)
            self.that(False, name, "it broke off")

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(self.failed > 0)
