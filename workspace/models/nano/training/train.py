"""Trains nano, or trains it further, and writes a model directory.

    python train.py --photos DIR --out DIR [--sources 12000]     makes the pairs with the darkroom first
    python train.py --pairs DIR --out DIR                        uses pairs that were made before

See README.md for what it takes.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

from model import Judge
from pairs import Pairs

HERE = Path(__file__).resolve().parent
NANO = HERE.parent
ROOT = HERE.parents[3]


class Muon:
    """Momentum made orthogonal, for matrices: Keller Jordan's optimizer, by its published formula."""

    def __init__(self, weights, rate, momentum=0.95, decay=0.05):
        self.rate, self.momentum, self.decay = rate, momentum, decay
        self.moving = {weight: torch.zeros_like(weight) for weight in weights}
        self.alike = {}
        for weight in weights:
            self.alike.setdefault(tuple(sorted(weight.flatten(1).shape)), []).append(weight)

    @torch.no_grad()
    def step(self, share):
        for weights in self.alike.values():
            steps = orthogonal(torch.stack([wide(self.direction(weight)) for weight in weights]))
            for weight, step in zip(weights, steps):
                flat = weight.flatten(1)
                step = step if flat.shape[0] <= flat.shape[1] else step.T
                weight.mul_(1 - self.rate * share * self.decay)
                weight.sub_(step.reshape(weight.shape), alpha=self.rate * share * 0.2 * max(flat.shape) ** 0.5)

    def direction(self, weight):
        moving = self.moving[weight].mul_(self.momentum).add_(weight.grad)
        return (weight.grad + self.momentum * moving).flatten(1)


def wide(matrix):
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T


def orthogonal(x):
    """All singular values near 1, by five steps of a quintic Newton-Schulz iteration."""
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x


class Probes(nn.Module):
    """What the states inside should tell, asked for in training only: it teaches a small network far faster than scores alone."""

    STATISTICS = 7

    def __init__(self, hidden, names):
        super().__init__()
        self.is_damage = torch.tensor([name.startswith("damage ") for name in names])
        self.pictures = nn.Linear(hidden, self.STATISTICS)
        self.edited = nn.Linear(hidden, len(names))
        self.text = nn.Linear(hidden, 2 * len(names))
        self.final = nn.Linear(hidden, 3 * len(names) + 2)

    def loss(self, states, batch):
        asked, done = batch.asked, batch.done[batch.pair_edited]
        both = torch.cat((asked, done), 1)
        verdict = self.verdict(asked, done)
        told = torch.cat((both, verdict), 1).repeat(2, 1)
        weight = torch.cat((torch.full((both.shape[1],), 0.25), torch.ones(verdict.shape[1])))
        off = lambda probe, state, goal: (probe(state) - goal).square()
        return 0.5 * (
            off(self.pictures, states["pictures"], statistics(batch.pixels)).sum(-1).mean()
            + 1.2 * off(self.edited, states["edited"], batch.done).sum(-1).mean()
            + 0.5 * off(self.text, states["text"], both.repeat(2, 1)).sum(-1).mean()
            + (off(self.final, states["final"].flatten(0, 1), told) * weight).sum(-1).mean()
        )

    def verdict(self, asked, done):
        """What was done of what was asked, all that nobody asked for, and all damage."""
        unasked = torch.where((asked != 0) | self.is_damage, 0.0, done.abs()).sum(-1, keepdim=True).clamp(max=2)
        damage = done[:, self.is_damage].sum(-1, keepdim=True)
        return torch.cat((1.5 * (asked * done).clamp(-1.6, 1.6), unasked, damage), 1)


def statistics(pixels):
    """Means, spread, colourfulness and fine detail of pictures, each of about unit size."""
    x = pixels.view(len(pixels), -1, 3).float() / 255
    grey, chroma = x.mean(-1), x.amax(-1) - x.amin(-1)
    detail = (grey[:, 2:] - 2 * grey[:, 1:-1] + grey[:, :-2]).abs().mean(1)
    return torch.stack(
        (
            *(4 * (x.mean(1) - 0.5)).unbind(1),
            6 * (grey.std(1) - 0.2),
            6 * (chroma.mean(1) - 0.2),
            0.8 * ((detail + 1e-3).log() + 3),
            4 * ((grey > 0.98) | (grey < 0.02)).float().mean(1),
        ),
        1,
    )


def goals(batch):
    """What the heads' means should be, [2, pairs]: -2 (bad) to 2 (perfect)."""
    return (4 * batch.gold - 2).T


def comparable(goal, group, gap):
    """Which pairs (better, worse) of one instruction differ by more than `gap`."""
    return ((goal[:, None] - goal[None]) > gap) & (group[:, None] == group[None])


def ranking(mean, goal, group):
    better = comparable(goal, group, 0.12)
    return (F.softplus(-2.0 * (mean[:, None] - mean[None])) * better).sum() / better.sum().clamp(min=1)


def score_loss(answers, batch, warm):
    """Squared error first, then beta-NLL (beta 1/2) and ranking as `warm` goes from 0 to 1; also the plain squared error."""
    mean, log_sigma, goal = answers[..., 0], answers[..., 1].clamp(-3, 1.5), goals(batch)
    square = (mean - goal).square()
    nll = ((0.5 * (-2 * log_sigma).exp() * square + log_sigma) * log_sigma.exp().detach()).mean()
    rank = ranking(mean.mean(0), goal.mean(0), batch.pair_text)
    rank = rank + 0.5 * sum(ranking(mean[head], goal[head], batch.pair_text) for head in range(2))
    return 1.5 * (1 - 0.7 * warm) * square.mean() + warm * (1.05 * nll + 0.5 * rank), square.mean()


class Trainer:
    def __init__(self, judge, names, options):
        self.judge = judge
        self.probes = Probes(judge.model.language_model.embed_tokens.embedding_dim, names)
        named = list(judge.named_parameters())
        is_head = lambda name: name.startswith("rm_heads")
        is_matrix = lambda name, weight: weight.ndim >= 2 and "embed_tokens" not in name and not is_head(name)
        self.muon = Muon([weight for name, weight in named if is_matrix(name, weight)], options.rate)
        rest = [weight for name, weight in named if not is_matrix(name, weight) and not is_head(name)]
        heads = [weight for name, weight in named if is_head(name)]
        self.clipped = [*rest, *heads, *self.probes.parameters()]
        groups = [
            {"params": [*rest, *self.probes.parameters()], "base": 0.4 * options.rate, "weight_decay": 0.0},
            {"params": heads, "base": 0.1 * options.rate, "weight_decay": 0.01},
        ]
        # New probes would only disturb states that tell what they should.
        self.probing = not options.base
        self.adam = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98))

    def step(self, batch, done):
        """One step at `done` of the whole training, 0..1; what to report."""
        answers, states = self.judge(batch)
        loss, square = score_loss(answers, batch, min(1.0, done / 0.15))
        told = {"square error": square.item(), "pair accuracy": accuracy_of(answers, batch)}
        if self.probing:
            probed = self.probes.loss(states, batch)
            loss = loss + (1.0 if done < 0.6 else 0.4) * probed
            told["probes"] = probed.item()
        for weight in (*self.judge.parameters(), *self.probes.parameters()):
            weight.grad = None
        loss.backward()
        nn.utils.clip_grad_norm_(self.clipped, 2.0)
        share = schedule(done)
        self.muon.step(share)
        for group in self.adam.param_groups:
            group["lr"] = group["base"] * share
        self.adam.step()
        return told


def schedule(done):
    """Rises over the first twentieth, stays, and falls as a cosine from a third on."""
    if done < 0.35:
        return min(1.0, done / 0.05 + 0.02)
    return max(0.02, 0.5 * (1 + math.cos(math.pi * (done - 0.35) / 0.65)))


def accuracy_of(answers, batch):
    right = comparable(goals(batch).mean(0), batch.pair_text, 0.2)
    mean = answers[..., 0].mean(0)
    return float(((mean[:, None] > mean[None]) & right).sum() / right.sum().clamp(min=1))


@torch.no_grad()
def evaluate(judge, pairs, sources, gap=0.05):
    """Of candidates of one instruction whose gold differs by more than `gap`, the share in right order: fused, by head, and for the
    right candidate against each other role."""
    judge.eval()
    counts = {}

    def count(name, right, of):
        known = counts.setdefault(name, [0, 0])
        known[0] += int(right)
        known[1] += int(of)

    for batch in pairs.batches(sources, 4):
        mean, goal, group = judge(batch)[0][..., 0], goals(batch), batch.pair_text
        views = {"fused": (mean.mean(0), goal.mean(0)), "following": (mean[0], goal[0]), "quality": (mean[1], goal[1])}
        for name, (answer, truth) in views.items():
            better = comparable(truth, group, 4 * gap)
            count(name, ((answer[:, None] > answer[None]) & better).sum(), better.sum())
        answer, truth = views["fused"]
        better = comparable(truth, group, 4 * gap)
        for first, second in better.nonzero().tolist():
            if batch.lines[first]["role"] == "right":
                count(f"right against {batch.lines[second]['role']}", answer[first] > answer[second], 1)
    judge.train()
    return {name: {"accuracy": round(right / max(1, of), 4), "pairs": of} for name, (right, of) in counts.items()}


def train(judge, pairs, options):
    trainer, draw, began = Trainer(judge, pairs.names, options), np.random.default_rng(options.seed), time.time()
    sources = pairs.split(held_out=False)
    steps = options.epochs * sum(1 for _ in pairs.batches(sources, options.batch))
    judge.train()
    step, seen, means = 0, 0, {}
    for _ in range(options.epochs):
        for batch in pairs.batches(sources, options.batch, draw):
            for name, value in trainer.step(batch, step / steps).items():
                means[name] = value if name not in means else 0.95 * means[name] + 0.05 * value
            step, seen = step + 1, seen + len(batch.lines)
            if step % options.report == 0 or step == steps:
                told = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
                print(f"{time.time() - began:5.0f} s, step {step} of {steps}, {seen} pairs: {told}", flush=True)


def export(judge, base, out):
    """A model directory: the base's descriptions, these weights in f16."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
        shutil.copyfile(base / name, out / name)
    (out / "prompts").mkdir(exist_ok=True)
    for path in sorted((base / "prompts").glob("*.txt")):
        shutil.copyfile(path, out / "prompts" / path.name)
    weights = {name: value.half().contiguous() for name, value in judge.state_dict().items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})


def make_pairs(options):
    """The darkroom's pairs of a folder of photographs."""
    folder = options.pairs or options.out.with_name(options.out.name + "-pairs")
    command = ["cargo", "run", "--release", "-p", "editscale-darkroom", "--example", "judge_pairs", "--"]
    command += ["--photos", str(options.photos.resolve()), "--out", str(folder.resolve())]
    command += ["--sources", str(options.sources), "--seed", str(options.seed)]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


def arguments():
    parser = argparse.ArgumentParser(description="Trains nano and writes a model directory.")
    parser.add_argument("--photos", type=Path, help="a folder of photographs to make pairs of")
    parser.add_argument("--pairs", type=Path, help="a folder of pairs: made there with --photos, else read from it")
    parser.add_argument("--out", type=Path, required=True, help="the model directory to write")
    parser.add_argument("--from", dest="base", type=Path, help="a model directory to train further; without it weights begin random")
    parser.add_argument("--sources", type=int, default=12000, help="sources to make of the photographs, 16 pairs each")
    parser.add_argument("--epochs", type=int, default=1, help="times that every pair is seen; 0 only measures")
    parser.add_argument("--batch", type=int, default=5, help="sources a step")
    parser.add_argument("--rate", type=float, default=0.003, help="learning rate of the matrices; others follow it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as PyTorch likes")
    parser.add_argument("--report", type=int, default=50, help="steps between reports")
    options = parser.parse_args()
    if not (options.photos or options.pairs):
        parser.error("give --photos to make pairs, or --pairs to use some")
    return options


def main():
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    folder = make_pairs(options) if options.photos else options.pairs
    base = options.base or NANO
    judge = Judge(base)
    judge = judge.read(base) if options.base else judge.begin(options.seed)
    pairs = Pairs(folder, judge.budget)
    print(f"{sum(value.numel() for value in judge.parameters())} weights, {len(pairs.sources)} sources", flush=True)
    if options.epochs:
        train(judge, pairs, options)
    export(judge, base, options.out)
    # What is measured is what was written: f16.
    result = evaluate(Judge(options.out).read(options.out), pairs, pairs.split(held_out=True))
    print(json.dumps({"held out": result}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
