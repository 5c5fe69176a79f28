"""Writes directories of rollouts as `editscale run` does, small and made up."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from safetensors.numpy import save_file

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PART = pa.struct([("name", pa.string()), ("mean", pa.float64()), ("sigma", pa.float64())])
SCORE = pa.struct(
    [
        ("reward", pa.string()),
        ("revision", pa.string()),
        ("mean", pa.float64()),
        ("sigma", pa.float64()),
        ("failure_kind", pa.string()),
        ("failure", pa.string()),
        ("parts", pa.list_(PART)),
    ]
)
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("rollout_id", "group_id")),
        ("candidate", pa.int32()),
        ("row", pa.int64()),
        ("row_id", pa.string()),
        ("repeat", pa.int32()),
        ("resampled", pa.int32()),
        ("is_flat", pa.bool_()),
        *((name, pa.string()) for name in ("instruction", "effective_instruction")),
        ("source", PICTURE),
        ("source_digest", pa.string()),
        ("image", PICTURE),
        ("image_digest", pa.string()),
        ("mask", PICTURE),
        *((name, pa.string()) for name in ("status", "failure_kind", "failure")),
        ("round", pa.int32()),
        ("parents", pa.list_(pa.int32())),
        *((name, pa.string()) for name in ("edge", "start")),
        ("until_step", pa.int32()),
        *((name, pa.int64()) for name in ("seed", "effective_seed", "root_seed")),
        *((name, pa.string()) for name in ("editor", "editor_revision", "knobs")),
        *((name, pa.float64()) for name in ("reward", "advantage")),
        ("rank", pa.int32()),
        ("selected", pa.bool_()),
        ("selection_probability", pa.float64()),
        *((name, pa.string()) for name in ("behaviour_policy", "objective", "recipe", "stop_reason")),
        ("scores", pa.list_(SCORE)),
        *((name, pa.string()) for name in ("policy_version", "policy_checksum")),
        *((name, pa.int64()) for name in ("nfe", "tokens")),
        ("usd", pa.float64()),
        *((f"group_{name}", pa.int64()) for name in ("edits", "reward_calls", "nfe", "tokens")),
        ("group_usd", pa.float64()),
        *((name, pa.string()) for name in ("trajectory", "extra")),
        *((f"timing_{name}", pa.float64()) for name in ("took_secs", "group_secs", "finished_unix_secs")),
        ("timing_delivery", pa.int32()),
        ("worker", pa.string()),
    ]
)


def digest(*words):
    return hashlib.sha256(repr(words).encode()).hexdigest()


def png(shade, side=8):
    """A small picture of one grey."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (shade, shade, shade)).save(file, "PNG")
    return file.getvalue()


def trajectory(seed, steps=4, shape=(6, 16), noisy=None):
    """A trajectory whose log-probabilities are finite where `noisy` says."""
    source = np.random.default_rng(seed)
    sigmas = np.linspace(1, 0, steps + 1, dtype=np.float32)
    probabilities = source.standard_normal(steps, dtype=np.float32)
    if noisy is not None:
        probabilities[[step for step in range(steps) if step not in noisy]] = np.nan
    return {
        "latents": source.standard_normal((steps + 1, *shape), dtype=np.float32),
        "timesteps": sigmas[:-1].copy(),
        "sigmas": sigmas,
        "log_probabilities": probabilities,
    }


def group(row, rewards, *, repeat=0, version="", flat=None, ways=None, changes=None):
    """The rows of a run. `ways` are the trajectories of its candidates, `changes` the columns of some that are otherwise."""
    known = np.array([reward for reward in rewards if reward is not None], dtype=np.float64)
    spread = known.std() if len(known) else 0.0
    flat = bool(len(known) < 2 or spread <= 1e-4) if flat is None else flat
    rollout = digest("rollout", row, repeat, version)
    best = max((reward for reward in rewards if reward is not None), default=None)
    rows = []
    for number, reward in enumerate(rewards):
        part = {"name": "sharpness", "mean": reward, "sigma": None}
        score = {"reward": "judge", "revision": "1", "mean": reward, "sigma": 0.1, "parts": [part]}
        way = ways[number] if ways else None
        rows.append(
            {
                "rollout_id": rollout,
                "group_id": digest("group", row),
                "candidate": number,
                "row": row,
                "row_id": f"row-{row}",
                "repeat": repeat,
                "resampled": 0,
                "is_flat": flat,
                "instruction": f"instruction {row}",
                "effective_instruction": f"instruction {row}",
                "source": {"bytes": png(row % 256), "path": f"{row}.png"},
                "image": {"bytes": png(100 + number), "path": f"{row}-{number}.png"},
                "image_digest": digest("image", number),
                "status": "unscored" if reward is None else "scored",
                "round": 0,
                "parents": [],
                "edge": "fresh",
                "start": "source",
                "seed": 1000 * row + number,
                "root_seed": row,
                "editor": "kontext",
                "knobs": "{}",
                "reward": reward,
                "advantage": None if reward is None or len(known) < 2 else (reward - known.mean()) / max(spread, 1e-4),
                "selected": reward is not None and reward == best,
                "scores": [score] if reward is not None else [],
                "policy_version": version,
                "policy_checksum": digest(version) if version else "",
                "group_edits": len(rewards),
                "group_reward_calls": len(known),
                "group_nfe": 4 * len(rewards),
                "group_tokens": 0,
                "group_usd": 0.25,
                "extra": json.dumps({"topic": row}),
                "way": way,
            }
        )
    for number, changed in (changes or {}).items():
        rows[number].update(changed)
    return rows


class Writer:
    """Writes shards into a directory, each with its commit point last."""

    def __init__(self, root):
        """Makes the directory."""
        self.root, self.count = Path(root), 0
        for folder in ("parquet", "shards", "trajectories"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def shard(self, *groups, commit=True, name=None):
        """Writes a shard of some groups and returns its name."""
        name = name or f"rollouts-{self.count:05}"
        self.count += 1
        rows = [dict(row) for rows in groups for row in rows]
        tensors = {}
        for row in rows:
            if (way := row.pop("way")) is not None:
                key = f"{row['rollout_id']}/{row['candidate']}"
                tensors |= {f"{key}/{part}": values for part, values in way.items()}
                row["trajectory"] = f"trajectories/{name}.safetensors#{key}"
        data = f"parquet/{name}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), self.root / data, row_group_size=5)
        files = [data]
        if tensors:
            files.append(f"trajectories/{name}.safetensors")
            save_file(tensors, self.root / files[-1])
        if commit:
            self.commit(name, files, groups)
        return name

    def commit(self, name, files, groups):
        """Writes the commit point of a shard, whole or not at all."""
        listed = [{"path": file, "rows": 0, "bytes": (self.root / file).stat().st_size, "blake3": ""} for file in files]
        new = self.root / "shards" / f".{name}.tmp"
        new.write_text(json.dumps({"format": "editscale-rollouts/1", "groups": len(groups), "files": listed}))
        new.rename(self.root / "shards" / f"{name}.json")

    def state(self, state, name="progress.json"):
        """Says how far the run is."""
        new = self.root / f"{name}.tmp"
        new.write_text(json.dumps({"state": state, "entered": 3, "done": 3}))
        new.rename(self.root / name)
