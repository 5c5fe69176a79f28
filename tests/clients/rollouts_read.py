"""An export of rollouts, read with the real `datasets`, `webdataset` and `safetensors`.

usage: rollouts_read.py DIR

DIR is what `editscale run` or the example `sample_rollouts` wrote, with at least Parquet. What else there is is read too.
"""

import collections
import glob
import json
import math
import os
import sys
import tempfile
import traceback
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import datasets
import pyarrow.parquet
from PIL import Image
from safetensors import safe_open

PICTURES = ("source", "image", "mask")
TENSORS = ("latents", "log_probabilities", "sigmas", "timesteps")


class Checks:
    """The checks, each a method whose name says what it is about."""

    def __init__(self, folder, cache):
        self.folder, self.cache = Path(folder), cache
        self.shards = [json.loads(Path(path).read_text()) for path in sorted(glob.glob(f"{folder}/shards/*.json"))]
        assert self.shards, "there is no shard"

    def files(self, kind):
        """The files of a kind, in the order of the shards."""
        listed = [file for shard in self.shards for file in shard["files"] if file["path"].startswith(kind + "/")]
        return [str(self.folder / file["path"]) for file in listed], sum(file["rows"] for file in listed)

    def table(self, kind, streaming=False):
        files, _ = self.files(kind)
        return datasets.load_dataset("parquet", data_files=files, split="train", streaming=streaming, cache_dir=self.cache)

    def test_every_file_is_listed_and_as_long_as_said(self):
        for shard in self.shards:
            for file in shard["files"]:
                assert (self.folder / file["path"]).stat().st_size == file["bytes"], file
        assert not list(self.folder.rglob("*.part"))

    def test_candidates_are_as_many_as_counted(self):
        table = self.table("parquet")
        assert len(table) == sum(shard["candidates"] for shard in self.shards), len(table)
        status = collections.Counter(table["status"])
        assert status["scored"] == sum(shard["scored"] for shard in self.shards), status
        assert status["failed"] == sum(shard["failed"] for shard in self.shards), status

    def test_pictures_are_known_as_pictures_and_decode(self):
        table = self.table("parquet")
        for name in PICTURES:
            assert isinstance(table.features[name], datasets.Image), table.features[name]
        for row in table:
            assert isinstance(row["source"], Image.Image) and row["source"].convert("RGB").size[0] > 0
            assert (row["image"] is None) == (row["status"] == "failed"), row["status"]
            assert (row["image"] is None) == (row["image_digest"] is None)
            assert (row["mask"] is None) == (row["mask_digest"] is None)

    def test_equal_digests_are_equal_pictures(self):
        table = self.table("parquet")
        for name in PICTURES:
            table = table.cast_column(name, datasets.Image(decode=False))
        seen = {}
        for row in table:
            for name in PICTURES:
                if row[name] is not None:
                    digest = row[name + "_digest"]
                    assert seen.setdefault(digest, row[name]["bytes"]) == row[name]["bytes"], digest
        assert len(set(seen.values())) == len(seen)

    def test_streaming_gives_the_same_rows(self):
        whole, streamed = self.table("parquet"), self.table("parquet", streaming=True)
        assert whole.features == streamed.features
        count = 0
        for one, other in zip(whole, streamed, strict=True):
            for name in whole.column_names:
                if name in PICTURES:
                    assert (one[name] is None) == (other[name] is None)
                else:
                    assert one[name] == other[name], name
            count += 1
        assert count == len(whole)

    def test_groups_are_whole_and_advantages_add_up(self):
        groups = collections.defaultdict(list)
        for row in self.table("parquet").remove_columns(list(PICTURES)):
            groups[row["rollout_id"]].append(row)
        for rows in groups.values():
            assert [row["candidate"] for row in rows] == list(range(len(rows)))
            assert len({(row["group_id"], row["source_digest"], row["recipe"], row["is_flat"]) for row in rows}) == 1
            advantages = [row["advantage"] for row in rows if row["advantage"] is not None]
            assert abs(sum(advantages)) < 1e-6 * max(1, len(advantages)), advantages
            for row in rows:
                assert all(parent < row["candidate"] for parent in row["parents"])
                json.loads(row["knobs"]), json.loads(row["extra"])
                for score in row["scores"]:
                    assert (score["mean"] is None) == (score["failure_kind"] is not None), score

    def test_nested_columns_have_their_types(self):
        features = self.table("parquet").features
        part = features["scores"].feature["parts"].feature
        assert set(part) == {"name", "mean", "sigma"} and features["parents"].feature.dtype == "int32"

    def test_row_groups_are_small(self):
        for path in self.files("parquet")[0]:
            file = pyarrow.parquet.ParquetFile(path)
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group)
                assert rows.num_rows <= self.shards[0]["rules"]["rows_per_row_group"]
                assert rows.column(0).has_offset_index

    def test_trajectories_are_found_where_rows_say(self):
        found = 0
        for row in self.table("parquet").select_columns(["trajectory", "rollout_id", "candidate"]):
            if row["trajectory"] is None:
                continue
            path, key = row["trajectory"].split("#")
            with safe_open(self.folder / path, "numpy") as shard:
                assert shard.metadata() == {"format": "editscale-trajectories/1"}
                latents, log_probabilities, sigmas, timesteps = (shard.get_tensor(f"{key}/{name}") for name in TENSORS)
            steps = len(timesteps)
            assert len(latents) == len(sigmas) == steps + 1 and len(log_probabilities) == steps
            assert latents.dtype == "float32" and math.isfinite(latents.sum())
            found += 1
        assert found == self.files("trajectories")[1], found

    def test_pairs_prefer_the_better(self):
        files, rows = self.files("views/pairs")
        if not files:
            return
        table = self.table("views/pairs")
        assert len(table) == rows
        for row in table:
            assert row["margin"] > 0 and math.isclose(row["chosen_reward"] - row["rejected_reward"], row["margin"])
            assert all(isinstance(row[name], Image.Image) for name in ("source", "chosen", "rejected"))

    def test_best_and_worst_come_alike(self):
        files, rows = self.files("views/best_worst")
        if not files:
            return
        table = self.table("views/best_worst")
        sides = collections.Counter(table["side"])
        assert len(table) == rows and sides["best"] == sides["worst"], sides
        assert all(isinstance(row["image"], Image.Image) for row in table)

    def test_weights_have_mean_one_in_a_group(self):
        files, rows = self.files("views/sft")
        if not files:
            return
        table, weights = self.table("views/sft"), collections.defaultdict(list)
        assert len(table) == rows
        for row in table:
            assert isinstance(row["image"], Image.Image)
            weights[row["rollout_id"]].append(row["weight"])
        assert all(math.isclose(sum(each), len(each), rel_tol=1e-9) for each in weights.values())

    def test_webdataset_gives_the_same_candidates(self):
        files, samples = self.files("webdataset")
        if not files:
            return
        import webdataset

        rows = {(row["rollout_id"], row["candidate"]): row for row in self.table("parquet").remove_columns(list(PICTURES))}
        count = 0
        for sample in webdataset.WebDataset(files, shardshuffle=False).decode("pil"):
            row = sample["json"]
            expected = rows[row["rollout_id"], row["candidate"]]
            assert sample["__key__"] == f"{row['rollout_id']}-{row['candidate']}"
            assert sample["txt"] == expected["instruction"] and row["reward"] == expected["reward"]
            members = [name for name in sample if name.split(".")[0] in ("source", "edited", "mask")]
            assert all(isinstance(sample[name], Image.Image) for name in members), members
            assert expected["status"] != "failed" and any(name.startswith("edited.") for name in members)
            count += 1
        assert count == samples == sum(row["status"] != "failed" for row in rows.values()), count

    def test_rows_that_came_to_nothing_have_a_reason(self):
        lines = [json.loads(line) for path in self.files("skipped")[0] for line in Path(path).read_text().splitlines()]
        outcomes = collections.Counter(line["outcome"] for line in lines)
        assert outcomes["skipped"] == sum(shard["skipped"] for shard in self.shards), outcomes
        assert sum(outcomes.values()) == sum(shard["skipped"] + shard["dead"] for shard in self.shards)
        assert all(line["reason"] and line["place"] for line in lines)


def main():
    datasets.disable_progress_bars()
    failed = []
    with tempfile.TemporaryDirectory() as cache:
        checks = Checks(sys.argv[1], cache)
        names = [name for name in dir(checks) if name.startswith("test_")]
        for name in names:
            try:
                getattr(checks, name)()
            except Exception:
                failed.append(name)
                print(name)
                traceback.print_exc()
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
