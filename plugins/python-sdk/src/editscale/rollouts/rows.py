"""Groups and their candidates, as they lie in the rows of a Parquet file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import pstdev
from typing import TYPE_CHECKING, Any

from .errors import RolloutError
from .pictures import upright

if TYPE_CHECKING:
    from PIL.Image import Image

    from .trajectories import Trajectory, TrajectoryReader

PICTURES = ("source", "image", "mask")
# Repeats that are flat are flat together if their rewards have no greater standard deviation than this.
FLOOR = 1e-6


@dataclass(frozen=True)
class Score:
    """What one reward said: higher is better. `mean` is absent where the reward failed."""

    reward: str
    mean: float | None
    sigma: float | None
    parts: Mapping[str, float]
    failure: str | None


class Candidate:
    """One candidate of a group: one row. `row` holds all of its columns as they were read."""

    def __init__(self, row: dict[str, Any], reader: TrajectoryReader, parent: Candidate | None = None) -> None:
        """A row of the directory that `reader` reads, and the candidate that it varies or continues."""
        self.row, self.parent = row, parent
        self._reader = reader
        self.advantage: float | None = row.get("advantage")
        """What the reward is worth within the group."""

    def __repr__(self) -> str:
        return f"Candidate({self.row['rollout_id'][:12]}/{self.number}, {self.status}, reward={self.reward})"

    @property
    def number(self) -> int:
        """Its place in ask order, from 0."""
        return self.row["candidate"]

    @property
    def status(self) -> str:
        """`scored`, `unscored` or `failed`."""
        return self.row["status"]

    @property
    def reward(self) -> float | None:
        """What the objective made of its scores; absent where they do not suffice."""
        return self.row["reward"]

    @property
    def is_finished(self) -> bool:
        """Whether it is a picture that was denoised to the end, not a failure and not a preview."""
        return self.status != "failed" and self.row.get("until_step") is None

    @property
    def is_selected(self) -> bool:
        """Whether the search chose it."""
        return bool(self.row["selected"])

    @property
    def instruction(self) -> str:
        """The instruction that the editor was given."""
        return self.row.get("effective_instruction") or self.row["instruction"]

    @property
    def seed(self) -> int:
        """The seed that was used."""
        effective = self.row.get("effective_seed")
        return self.row["seed"] if effective is None else effective

    @property
    def knobs(self) -> dict[str, Any]:
        """Settings that differ from the editor's own."""
        return json.loads(self.row.get("knobs") or "{}")

    @property
    def extra(self) -> dict[str, Any]:
        """Columns of the data set that the recipe hands on."""
        return json.loads(self.row.get("extra") or "{}")

    @cached_property
    def scores(self) -> dict[str, Score]:
        """What each reward said, by its name."""
        return {each["reward"]: score(each) for each in self.row.get("scores") or []}

    @property
    def starts_from_source(self) -> bool:
        """Whether the editor saw the source, and not the picture of another candidate."""
        return self.row.get("start", "source") == "source"

    def image(self) -> Image:
        """The picture that was made."""
        return self._open("image")

    def source(self) -> Image:
        """The picture that was to be edited."""
        return self._open("source")

    def mask(self) -> Image | None:
        """Where editing was allowed, where the row says so."""
        return self._open("mask") if self._has("mask") else None

    def input_image(self) -> Image:
        """The picture that the editor saw: the source, or its parent's picture for an edit of an edit."""
        if self.row.get("start", "source") != "candidate":
            return self.source()
        if self.parent is None:
            raise RolloutError(f"{self!r}: the candidate {self.row['parents']} that it starts from is not in the file")
        return self.parent.image()

    @property
    def has_trajectory(self) -> bool:
        """Whether its way through the latent space was kept; a black box has none."""
        return self.row.get("trajectory") is not None

    def trajectory(self) -> Trajectory:
        """Its way through the latent space."""
        if not self.has_trajectory:
            raise RolloutError(f"{self!r} has no trajectory: its editor is a black box, or the recipe keeps none")
        return self._reader.read(self.row["trajectory"])

    def image_bytes(self, column: str = "image") -> bytes:
        """The encoded file of a picture, as the editor gave it: of `image`, `source` or `mask`."""
        if column not in self.row:
            raise RolloutError(f"{self!r}: pictures were not read; open the directory with pictures=True")
        struct = self.row[column]
        if not struct or (struct.get("bytes") is None and not struct.get("path")):
            raise RolloutError(f"{self!r} has no {column}")
        if struct.get("bytes") is not None:
            return struct["bytes"]
        try:
            return (self._reader.root / struct["path"]).read_bytes()
        except OSError as error:
            raise RolloutError(f"{self!r}: its {column} cannot be read: {error}") from error

    def _has(self, column: str) -> bool:
        struct: Mapping[str, Any] = self.row.get(column) or {}
        return struct.get("bytes") is not None or bool(struct.get("path"))

    def _open(self, column: str) -> Image:
        encoded = self.image_bytes(column)
        try:
            picture = upright(encoded)
        except OSError as error:
            raise RolloutError(f"{self!r}: Pillow cannot open its {column} of {len(encoded)} bytes: {error}") from error
        return picture if picture.mode in ("RGB", "L") else picture.convert("RGB")


def score(found: Mapping[str, Any]) -> Score:
    """A score as it lies in the column `scores`."""
    parts = {part["name"]: part["mean"] for part in found.get("parts") or []}
    return Score(found["reward"], found.get("mean"), found.get("sigma"), parts, found.get("failure"))


@dataclass
class Group:
    """All candidates of one source, one instruction and one recipe: of one run, or of all repeats of a row."""

    candidates: list[Candidate]

    @classmethod
    def of(cls, rows: list[dict[str, Any]], reader: TrajectoryReader) -> Group:
        """The group of the rows of a run, at least one, in ask order."""
        known: dict[int, Candidate] = {}
        for row in rows:
            parents = row.get("parents") or []
            known[row["candidate"]] = Candidate(row, reader, known.get(parents[0]) if parents else None)
        return cls(list(known.values()))

    @property
    def first(self) -> dict[str, Any]:
        """The first row: columns that are equal in the whole group can be taken from it."""
        return self.candidates[0].row

    @property
    def rollout_id(self) -> str:
        """What makes the run this one and no other. Of repeats, that of the first."""
        return self.first["rollout_id"]

    @property
    def group_id(self) -> str:
        """Source, instruction and recipe: equal for the repeats of a row."""
        return self.first["group_id"]

    @property
    def row_id(self) -> str:
        """What the data set calls the row."""
        return self.first["row_id"]

    @property
    def instruction(self) -> str:
        """What was asked for."""
        return self.first["instruction"]

    @property
    def is_flat(self) -> bool:
        """Whether its rewards do not differ, so that there is nothing to learn from it. Of one run, as its recipe judges."""
        if not all(each.row["is_flat"] for each in self.candidates):
            return False
        rewards = [each.reward for each in self.candidates if each.reward is not None]
        runs = {each.row["rollout_id"] for each in self.candidates}
        return len(runs) == 1 or len(rewards) < 2 or pstdev(rewards) <= FLOOR

    @property
    def policy_version(self) -> str:
        """What the trainer called the weights; empty where the recipe names none. Of repeats, that of the first."""
        return self.first.get("policy_version") or ""

    @property
    def policy_checksum(self) -> str:
        """What the weights were, exactly."""
        return self.first.get("policy_checksum") or ""

    @property
    def rewards(self) -> list[float | None]:
        """The rewards of its candidates, in their order."""
        return [each.reward for each in self.candidates]

    def best(self) -> Candidate | None:
        """The candidate with the highest reward, the earliest of equals."""
        scored = [each for each in self.candidates if each.reward is not None]
        return max(scored, key=lambda each: each.reward or 0.0) if scored else None
