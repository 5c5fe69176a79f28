#!/usr/bin/env python3
"""Run the program on a card and measure: the same scores as on the processor? the same pictures? how long, how much memory?

Every step writes what it found as one line of `results.jsonl` in the folder --out, and the next one runs even if it failed.
"""

import argparse
import base64
import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FIXTURES = ROOT / "workspace/models/tests/fixtures"
PARTS = ("instruction_following", "visual_quality")
EDITS = {
    "make it warmer": lambda p: Image.merge("RGB", [b.point(lambda v, f=f: min(255, int(v * f))) for b, f in zip(p.split(), (1.15, 1.0, 0.8))]),
    "make it brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.4),
    "make it darker": lambda p: ImageEnhance.Brightness(p).enhance(0.6),
    "more contrast": lambda p: ImageEnhance.Contrast(p).enhance(1.5),
    "make it black and white": lambda p: ImageOps.grayscale(p).convert("RGB"),
    "blur it a little": lambda p: p.filter(ImageFilter.GaussianBlur(3)),
    "make the colours more vivid": lambda p: ImageEnhance.Color(p).enhance(1.8),
    "turn it into its negative": ImageOps.invert,
}


class Watch:
    """The most memory of the card that is in use, in MiB, while a step runs."""

    def __enter__(self):
        self.most, self.done = 0, threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def look(self):
        command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        while not self.done.wait(0.25):
            with contextlib.suppress(Exception):
                said = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
                self.most = max(self.most, int(said.split()[0]))

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


class Bench:
    """What the steps share."""

    def __init__(self, arguments):
        self.binary, self.out, self.models = arguments.binary, arguments.out, arguments.models
        self.described, self.python, self.device = arguments.described, sys.executable, arguments.device
        self.repository = arguments.repository
        # The processor, on which these steps can be tried, computes in single precision alone.
        self.types = ("f32", "bf16") if self.device == "cuda" else ("f32",)
        self.ends = time.monotonic() + arguments.seconds
        self.work = self.models / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.out.mkdir(parents=True, exist_ok=True)

    def left(self):
        """Seconds that are left for all steps."""
        return self.ends - time.monotonic()

    def run(self, command, limit=120):
        """Run a command; its standard output. What it says besides goes into the log."""
        limit = max(5, min(limit, self.left()))
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=limit)
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-3000:]} {done.stdout[-500:]}")
        return done.stdout

    def write(self, step, found):
        """Keep what a step found."""
        line = json.dumps({"step": step} | found)
        with (self.out / "results.jsonl").open("a") as file:
            file.write(line + "\n")
        print(line[:1500], flush=True)

    def fill(self, name):
        """Draw the weights of a described model; its folder."""
        folder = self.models / name
        if not (folder / "filled").exists():
            said = self.run([self.python, HERE / "fill.py", self.described / name, folder], 200)
            (folder / "filled").write_text(said)
            self.write(f"fill {name}", json.loads(said.splitlines()[-1]))
        return folder

    def pairs(self):
        """Edits of the photographs in `examples/photos`, as lossless files: dicts of source, edited and instruction."""
        found = []
        for photo in sorted((ROOT / "examples/photos").glob("*.jpg")):
            picture = Image.open(photo).convert("RGB")
            picture.thumbnail((1024, 1024))
            source = self.work / f"{photo.stem}.png"
            if not source.exists():
                picture.save(source, compress_level=1)
            for at, (instruction, edit) in enumerate(EDITS.items()):
                edited = self.work / f"{photo.stem}_{at}.png"
                if not edited.exists():
                    edit(picture).save(edited, compress_level=1)
                found.append({"source": str(source), "edited": str(edited), "instruction": instruction})
        return found

    def judge(self, folder, device, dtype, **more):
        """A recipe with one judge."""
        options = {"dir": str(folder), "device": device, "dtype": dtype} | more
        return {"version": 1, "editor": {"darkroom": {}}, "rewards": [{"model": {"editreward": options}}],
                "search": {"best_of_n": {"samples": 1}}}  # fmt: skip

    def recipe(self, name, content):
        """Write a recipe; its path."""
        path = self.work / f"{name}.yaml"
        path.write_text(json.dumps(content))
        return path

    def scores(self, name, recipe, pairs, limit=120):
        """What a recipe's judge says of pairs: rows of mean, log sigma of both parts and of the whole."""
        file = self.work / f"{name}.jsonl"
        file.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        said = self.run([self.binary, "score", "--pairs", file, "--recipe", self.recipe(name, recipe), "--json"], limit)
        rows = [row_of(json.loads(line)) for line in said.splitlines() if line.strip()]
        if len(rows) != len(pairs):
            raise RuntimeError(f"{len(rows)} answers for {len(pairs)} pairs")
        return rows


def row_of(said):
    """Numbers of one answer."""
    if said.get("scores"):
        said = next(iter(said["scores"].values()))
    if "mean" not in said:
        # A pair that is refused, as instructions with a special token are.
        return [math.nan] * 6
    parts = [said["parts"][part] for part in PARTS]
    return [value for part in (*parts, said) for value in (part["mean"], math.log(part["sigma"]))]


def away(first, second):
    """Differences of two lists of rows."""
    a, b = np.array(first, float), np.array(second, float)
    refused = np.isnan(a).any(1)
    a, b = a[~refused], b[~refused]
    if not len(a):
        raise RuntimeError("every pair was refused")
    ranks = [np.argsort(np.argsort(rows[:, 4])) for rows in (a, b)]
    found = {"pairs": len(a), "refused": int(refused.sum()), "mean": float(np.abs(a - b)[:, ::2].max()), "log_sigma": float(np.abs(a - b)[:, 1::2].max()),
             "typical_mean": float(np.abs(a - b)[:, ::2].mean()), "spread_of_means": float(b[:, 4].std())}  # fmt: skip
    if len(a) > 2:
        found["rank_correlation"] = float(np.corrcoef(*ranks)[0, 1])
    return found


# Steps


def versions(bench):
    """What the machine is."""
    say = lambda command: subprocess.run(command, shell=True, capture_output=True, text=True).stdout.strip()[-1500:]
    bench.write("machine", {
        "card": say("nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader"),
        "places": say("df -h /dev/shm /tmp | cat; free -g | head -2; nproc"),
        "doctor": say(f"{bench.binary} doctor 2>&1"), "version": say(f"{bench.binary} --version"),
    })  # fmt: skip


def nano(bench):
    """The small judge that is part of the program: card against processor, on photographs."""
    pairs = bench.pairs()
    here = bench.scores("nano_cpu", bench.judge("builtin", "cpu", "f32"), pairs)
    for dtype in bench.types:
        with Watch() as watch:
            there = bench.scores(f"nano_{dtype}", bench.judge("builtin", bench.device, dtype), pairs)
        bench.write(f"nano cuda {dtype}", away(there, here) | {"card_mib": watch.most})


def cases(bench):
    """The committed random judges, against what PyTorch said of them on a processor."""
    folders = sorted((FIXTURES / "editreward/cases").iterdir())

    def check(folder):
        case = json.loads((folder / "case.json").read_text())
        pairs = [{key: str(folder / pair[key]) for key in ("source", "edited")} | {"instruction": pair["instruction"]} for pair in case["pairs"]]
        found = {}
        for dtype, mode in zip(bench.types, ("official", "bf16")):
            name = f"case_{folder.name}_{dtype}"
            model = FIXTURES / "editreward/models" / case["model"]
            wanted = [[value for part in (*PARTS, ("fused", "mean")) for value in (pair["scores"][mode][part] if isinstance(part, str) else pair["scores"][mode]["fused"]["mean"])] for pair in case["pairs"]]
            try:
                found[dtype] = away(bench.scores(name, bench.judge(model, bench.device, dtype), pairs), wanted)
            except Exception as error:
                found[dtype] = {"failed": str(error)[-1200:]}
        return folder.name, found

    with ThreadPoolExecutor(3) as pool:
        for name, found in pool.map(check, folders):
            bench.write(f"case {name}", found)


def edit(bench, name, settings, source, size=None, limit=100, samples=2, alone=False):
    """Candidates of an editor and how long each took."""
    run = bench.work / f"run_{name}"
    shutil.rmtree(run, ignore_errors=True)
    recipe = {"version": 1, "editor": settings, "rewards": [{"model": {"photometric": {}}}],
              "search": {"best_of_n": {"samples": samples} | ({"round": 1} if alone else {})}}  # fmt: skip
    command = [bench.binary, "edit", source, "make it warmer", "--recipe", bench.recipe(name, recipe), "--run-dir", run, "--json"]
    said = json.loads(bench.run(command + (["--size", size] if size else []), limit))
    candidates = sorted(said["candidates"], key=lambda each: each["id"])
    failed = [each["failure"] for each in candidates if not each["image"]]
    if failed:
        raise RuntimeError(f"candidates failed: {json.dumps(failed)[:2500]}")
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    secs = [event["secs"] for event in events if event["event"] == "edited"]
    return [np.asarray(Image.open(run / each["image"]).convert("RGB")).astype(int) for each in candidates], secs


def tiny_editors(bench):
    """The committed random pipelines: card against processor."""
    source = bench.work / "small.png"
    Image.open(ROOT / "examples/photos/coffee.jpg").convert("RGB").resize((96, 64)).save(source)

    def check(folder):
        kind = "flux_kontext" if folder.name.startswith("kontext") else "instruct_pix2pix"
        own = {"max_pixels": 6144, "fit_source": False, "text_tokens": 64} if kind == "flux_kontext" else {}
        settings = lambda device, dtype: {kind: {"dir": str(folder), "steps": 6, "device": device, "dtype": dtype} | own}
        found = {}
        try:
            here, _ = edit(bench, f"{folder.name}_cpu", settings("cpu", "f32"), source)
        except Exception as error:
            return folder.name, {"processor": str(error)[-800:]}
        for dtype in (*bench.types, "f16")[: 3 if bench.device == "cuda" else 1]:
            try:
                there, _ = edit(bench, f"{folder.name}_{dtype}", settings(bench.device, dtype), source)
                off = [np.abs(a - b) for a, b in zip(there, here)]
                found[dtype] = {"most": int(max(each.max() for each in off)), "mean": float(np.mean([each.mean() for each in off]))}
            except Exception as error:
                found[dtype] = {"failed": str(error)[-1500:]}
        return folder.name, found

    with ThreadPoolExecutor(4) as pool:
        for name, found in pool.map(check, sorted((FIXTURES / "editors/pipelines").iterdir())):
            bench.write(f"tiny {name}", found)


class Server:
    """`editscale serve` with one judge."""

    def __init__(self, bench, name, recipe):
        self.started = time.monotonic()
        command = [bench.binary, "serve", "--recipe", bench.recipe(name, recipe), "--listen", "127.0.0.1:0", "--runs", bench.work / f"served_{name}"]
        self.log = (bench.out / f"serve_{name}.log").open("w+")
        self.child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = None
        for line in self.child.stdout:
            found = re.search(r"http://[0-9.]+:\d+", line)
            if found:
                self.url = found.group(0)
                break
        if not self.url:
            self.log.seek(0)
            raise RuntimeError(f"the server did not start: {self.log.read()[-2500:]}")
        self.ready = time.monotonic() - self.started
        threading.Thread(target=self.child.stdout.read, daemon=True).start()

    def score(self, pairs, limit=120):
        """Rows of pairs in one request, and the seconds that it took."""
        url = lambda path: "data:image/png;base64," + base64.b64encode(Path(path).read_bytes()).decode()
        items = [{"instruction": pair["instruction"], "source": url(pair["source"]), "candidate": url(pair["edited"])} for pair in pairs]
        body = json.dumps({"items": items}).encode()
        request = urllib.request.Request(self.url + "/v1/score", body, {"content-type": "application/json"})
        started = time.monotonic()
        try:
            answer = json.loads(urllib.request.urlopen(request, timeout=limit).read())
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[-2000:]) from None
        took = time.monotonic() - started
        failed = [each["error"] for each in answer["scores"] if "error" in each]
        if failed:
            raise RuntimeError(json.dumps(failed)[:2500])
        row = lambda each: [v for part in (*sorted(each["parts"], key=lambda p: p["name"]), each) for v in (part["score"], math.log(part["sigma"]))]
        return [row(each) for each in answer["scores"]], took

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def serve_judge(bench, dtype, rounds, name="editreward"):
    """The judge in its published size: loading, single pairs, batches; its rows of all pairs."""
    folder, pairs = bench.fill(name), bench.pairs()
    rows = None
    with Watch() as watch, Server(bench, f"{name}_{dtype}", bench.judge(folder, bench.device, dtype)) as server:
        _, first = server.score(pairs[:1])
        found = {"secs_to_listen": server.ready, "secs_first": first, "card_mib_loaded": watch.most}
        bench.write(f"{name} {dtype} loaded", found)
        single = [server.score([pair])[1] for pair in (pairs[8], pairs[16], pairs[24])[:rounds]]
        again = [server.score([pair])[1] for pair in (pairs[9], pairs[10], pairs[11])[:rounds]]
        rows, batch = server.score(pairs[:8])
        batches = [batch] + [server.score(pairs[at:at + 8])[1] for at in (8, 16, 24)]
        spread = [server.score(pairs[start::8][:4] + pairs[start + 1::8][:4])[1] for start in (0, 2, 4)[:rounds]]
        rows, _ = server.score(pairs)
        # Pictures that were seen before are kept: a card's own speed shows with those it has not seen.
        found = {"new_source_and_candidate": single, "new_candidate_of_a_known_source": again,
                 "eight_candidates_of_a_source": batches, "eight_seen_pairs_of_four_sources": spread, "card_mib": watch.most}  # fmt: skip
        bench.write(f"{name} {dtype}", found)
    (bench.work / f"rows_{name}_{dtype}.json").write_text(json.dumps(rows))
    return rows


def judge(bench):
    """The published size in brain floats."""
    serve_judge(bench, bench.types[-1], 3)


def judge_torch(bench):
    """The same weights by the published flow in PyTorch."""
    folder, pairs = bench.fill("editreward"), bench.pairs()
    file = bench.work / "torch.jsonl"
    file.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    said = bench.run([bench.python, HERE / "torch_scores.py", "--model", folder, "--pairs", file, "--seconds", 34], 110)
    said = json.loads(said.splitlines()[-1])
    rows = said.pop("rows")
    bench.write("editreward torch bf16", said)
    (bench.work / "rows_torch.json").write_text(json.dumps(rows))
    ours = json.loads((bench.work / f"rows_editreward_{bench.types[-1]}.json").read_text())
    bench.write("editreward bf16 ours and torch", away(ours[:len(rows)], rows))


def judge_single(bench):
    """The published size in single precision: what both of the others are measured by."""
    rows = serve_judge(bench, "f32", 1)
    for name in ("rows_editreward_bf16", "rows_torch"):
        other = bench.work / f"{name}.json"
        if other.exists():
            theirs = json.loads(other.read_text())
            bench.write(f"{name} against single precision", away(theirs, rows[:len(theirs)]))


def big_editor(bench, name, source_size, steps, samples, own):
    """An editor in its published size: seconds a step and memory."""
    folder = bench.fill(name)
    source = bench.work / f"source_{name}.png"
    Image.open(ROOT / "examples/photos/coffee.jpg").convert("RGB").resize(source_size).save(source, compress_level=1)
    found = {}
    for count in steps:
        settings = {name: {"dir": str(folder), "steps": count, "device": bench.device, "dtype": bench.types[-1]} | own}
        started = time.monotonic()
        with Watch() as watch:
            pictures, secs = edit(bench, f"big_{name}_{count}", settings, source, limit=150, samples=samples)
        found[f"steps_{count}"] = {"secs_of_edits": secs, "wall": time.monotonic() - started, "card_mib": watch.most, "size": list(pictures[0].shape)}
    few, many = (max(found[f"steps_{count}"]["secs_of_edits"]) for count in steps)
    bench.write(f"{name} of published size, {samples} candidates", found | {"secs_a_step": (many - few) / (steps[1] - steps[0])})


def plugin(bench):
    """The published code itself, as the plugin `editreward-reference`, against ours with the same weights."""
    pairs, file = bench.pairs(), bench.work / "plugin.jsonl"
    file.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    nano, big = ROOT / "workspace/models/nano", bench.models / "editreward"
    asked = [f"{nano}={dtype}" for dtype in bench.types] + ([f"{big}={bench.types[-1]}"] if (big / "filled").exists() else [])
    command = [bench.python, HERE / "plugin_scores.py", "--repository", bench.repository, "--pairs", file, "--work", bench.work]
    said = bench.run([*command, "--device", bench.device, "--models", *asked], 240)
    for line in (json.loads(line) for line in said.splitlines() if line.startswith("{")):
        folder, dtype, rows = Path(line["folder"]), line["dtype"], line.pop("rows", None)
        bench.write(f"plugin {folder.name} {dtype}", line)
        if rows:
            ours = bench.scores(f"beside_plugin_{folder.name}_{dtype}", bench.judge(folder, bench.device, dtype), pairs)
            bench.write(f"ours against the plugin {folder.name} {dtype}", away(ours, rows))


def pix2pix(bench):
    """InstructPix2Pix at 512x512."""
    big_editor(bench, "instruct_pix2pix", (512, 512), (4, 20), 4, {})


def kontext(bench):
    """FLUX.1 Kontext at 1024x1024."""
    shutil.rmtree(bench.models / "editreward", ignore_errors=True)
    big_editor(bench, "flux_kontext", (1024, 1024), (2, 10), 1, {})


def kontext_once(bench):
    """The same in one process: the second of two edits in a row has the text and the source ready."""
    shutil.rmtree(bench.models / "editreward", ignore_errors=True)
    folder, steps = bench.fill("flux_kontext"), 10
    source = bench.work / "source_flux_kontext.png"
    Image.open(ROOT / "examples/photos/coffee.jpg").convert("RGB").resize((1024, 1024)).save(source, compress_level=1)
    settings = {"flux_kontext": {"dir": str(folder), "steps": steps, "device": bench.device, "dtype": bench.types[-1]}}
    started = time.monotonic()
    with Watch() as watch:
        pictures, secs = edit(bench, "kontext_once", settings, source, limit=170, samples=3, alone=True)
    bench.write("flux_kontext of published size, one after the other", {
        "steps": steps, "secs_of_edits": secs, "wall": time.monotonic() - started, "card_mib": watch.most, "size": list(pictures[0].shape),
    })  # fmt: skip


STEPS = {each.__name__: each for each in (versions, nano, cases, tiny_editors, judge, judge_torch, plugin, pix2pix, judge_single, kontext, kontext_once)}


def main():
    """Read the command line and run steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--described", required=True, type=Path, help="what `describe.py` wrote, a folder a model")
    parser.add_argument("--models", required=True, type=Path, help="where models are written, best in memory (60 GB)")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--repository", help="a checkout of TIGER-AI-Lab/EditReward, for the step `plugin`")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--seconds", type=float, default=280, help="when to stop (default: %(default)s)")
    parser.add_argument("--steps", nargs="*", default=[name for name in STEPS if name != "plugin"], choices=list(STEPS))
    arguments = parser.parse_args()
    bench, filling = Bench(arguments), None
    if "judge" in arguments.steps:
        # Drawing weights takes a while in which the small steps run.
        filling = threading.Thread(target=bench.fill, args=("editreward",))
        filling.start()
    for name in arguments.steps:
        if name.startswith("judge") and filling:
            filling.join()
        if bench.left() < 12:
            bench.write(name, {"left_out": "no time"})
            continue
        started = time.monotonic()
        try:
            STEPS[name](bench)
        except Exception as error:
            bench.write(name, {"failed": f"{type(error).__name__}: {str(error)[-3500:]}"})
        bench.write("time", {"of": name, "secs": round(time.monotonic() - started, 1), "left": round(bench.left())})


if __name__ == "__main__":
    main()
