"""What lies in a directory of rollouts, in numbers."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from .directory import insist_on_directory, read_shard, run_state, shard_names

COLUMNS = (
    "rollout_id", "status", "reward", "is_flat", "policy_version", "trajectory", "editor",
    "group_edits", "group_reward_calls", "group_nfe", "group_tokens", "group_usd",
)  # fmt: skip
SPENT = ("edits", "reward_calls", "nfe", "tokens", "usd")


def summary(directory: str | Path) -> dict[str, Any]:
    """Counts, rewards and spend of the finished shards."""
    root = Path(directory)
    insist_on_directory(root)
    names = shard_names(root)
    tally = Tally()
    for name in names:
        file = read_shard(root, name).parquet
        if file is None:
            continue
        with pq.ParquetFile(file) as opened:
            known = [column for column in COLUMNS if column in opened.schema_arrow.names]
            for batch in opened.iter_batches(batch_size=4096, columns=known):
                for row in batch.to_pylist():
                    tally.add(row)
    return {"directory": str(root), "state": run_state(root), "shards": len(names)} | tally.told() | {"skipped_rows": skipped(root)}


def skipped(root: Path) -> int:
    """How many rows of the data set could not be used."""
    lines = 0
    for file in sorted((root / "skipped").glob("*.jsonl")):
        with file.open(encoding="utf-8") as opened:
            lines += sum(1 for line in opened if line.strip())
    return lines


class Tally:
    """Sums over rows. Only the last group's name is held, as the rows of a group lie together."""

    def __init__(self) -> None:
        """Nothing has been seen."""
        self.group: str | None = None
        self.groups = self.flat = self.candidates = self.rewarded = self.trajectories = 0
        self.rewards = self.squares = 0.0
        self.statuses: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.editors: Counter[str] = Counter()
        self.spent: dict[str, float] = dict.fromkeys(SPENT, 0)

    def add(self, row: dict[str, Any]) -> None:
        """Counts a row."""
        if row["rollout_id"] != self.group:
            self.group = row["rollout_id"]
            self.groups, self.flat = self.groups + 1, self.flat + bool(row["is_flat"])
            self.versions[row.get("policy_version") or ""] += 1
            for name in SPENT:
                self.spent[name] += row.get(f"group_{name}") or 0
        self.candidates += 1
        self.statuses[row["status"]] += 1
        self.editors[row.get("editor") or ""] += 1
        self.trajectories += row.get("trajectory") is not None
        if row["reward"] is not None:
            self.rewarded += 1
            self.rewards += row["reward"]
            self.squares += row["reward"] ** 2

    def told(self) -> dict[str, Any]:
        """As plain data."""
        mean = self.rewards / self.rewarded if self.rewarded else None
        spread = None if mean is None else max(self.squares / self.rewarded - mean**2, 0.0) ** 0.5
        return {
            "groups": self.groups,
            "flat_groups": self.flat,
            "flat_share": self.flat / self.groups if self.groups else None,
            "candidates": self.candidates,
            "statuses": dict(sorted(self.statuses.items())),
            "with_trajectory": self.trajectories,
            "reward_mean": mean,
            "reward_std": spread,
            "policy_versions": dict(sorted(self.versions.items())),
            "editors": dict(sorted(self.editors.items())),
            "spent": self.spent,
        }


def counts(found: dict[str, int]) -> str:
    """Names with how often they occur."""
    return ", ".join(f"{name or '(none)'}: {count:,}" for name, count in found.items()) or "-"


def money_and_counts(spent: dict[str, float]) -> str:
    """What was spent."""
    return ", ".join(f"{value:,.2f} {name}" if name == "usd" else f"{int(value):,} {name}" for name, value in spent.items())


def table(found: dict[str, Any]) -> str:
    """A summary for people."""
    share = "" if found["flat_share"] is None else f" ({found['flat_share']:.1%} flat)"
    mean = "-" if found["reward_mean"] is None else f"{found['reward_mean']:.4f} (std {found['reward_std']:.4f})"
    rows = [
        ("directory", found["directory"]),
        ("state", found["state"] or "-"),
        ("finished shards", f"{found['shards']:,}"),
        ("groups", f"{found['groups']:,}{share}"),
        ("candidates", f"{found['candidates']:,} ({counts(found['statuses'])})"),
        ("with trajectory", f"{found['with_trajectory']:,}"),
        ("mean reward", mean),
        ("editors", counts(found["editors"])),
        ("policy versions", counts(found["policy_versions"])),
        ("spent", money_and_counts(found["spent"])),
        ("rows skipped", f"{found['skipped_rows']:,}"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def as_json(found: dict[str, Any]) -> str:
    """A summary for programs."""
    return json.dumps(found, ensure_ascii=False)
