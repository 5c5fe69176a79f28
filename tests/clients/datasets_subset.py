"""Has `list_dataset` write every second row of what `datasets_write.py` wrote, and reads that with the libraries that people use.

usage: datasets_subset.py FOLDER PROGRAM
"""

import json
import pathlib
import shutil
import subprocess
import sys

import datasets
import pyarrow.parquet
import webdataset

folder, program = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
passed = failed = 0


def files(home):
    """The files of rows in a folder, or the one that a path names."""
    if home.is_file():
        return [home]
    kinds = ("parquet", "jsonl", "json", "csv", "tsv", "tar", "jsonl.gz", "json.gz", "tar.gz")
    return sorted(path for kind in kinds for path in home.rglob(f"*.{kind}"))


def kind(path):
    return path.name.removesuffix(".gz").rsplit(".", 1)[-1]


def read(paths):
    """All rows as a library reads them, pictures as their bytes."""
    names = [str(path) for path in paths]
    if kind(paths[0]) == "tar":
        return list(webdataset.WebDataset(names, shardshuffle=False, empty_check=False))
    if kind(paths[0]) == "parquet":
        return [row for name in names for row in pyarrow.parquet.read_table(name).to_pylist()]
    builder, options = {"jsonl": ("json", {}), "json": ("json", {}), "csv": ("csv", {}), "tsv": ("csv", {"sep": "\t"})}[kind(paths[0])]
    if paths[0].name == "semicolons.csv":
        options = {"sep": ";"}
    loaded = datasets.load_dataset(builder, data_files=names, split="train", cache_dir=folder / ".cache", **options)
    return list(loaded)


def check(layout, out):
    start = folder / layout["path"].split("/")[0] if "*" in layout["path"] or "{" in layout["path"] else folder / layout["path"]
    before, after = files(start), files(out)
    whole, kept = read(before), read(after)
    ignored = ("__url__", "__local_path__")
    plain = lambda row: {key: value for key, value in row.items() if key not in ignored}
    assert [plain(row) for row in kept] == [plain(row) for row in whole][::2], "other rows"
    if kind(before[0]) == "parquet":
        old, new = (pyarrow.parquet.read_schema(paths[0]) for paths in (before, after))
        assert new.equals(old, check_metadata=True), f"another schema: {new} instead of {old}"
        first = [pyarrow.parquet.ParquetFile(paths[0]).metadata for paths in (before, after)]
        packed = [[data.row_group(0).column(at).compression for at in range(data.num_columns)] for data in first]
        assert packed[0] == packed[1], f"packed otherwise: {packed}"
        loaded = [datasets.Dataset.from_parquet([str(path) for path in paths], cache_dir=folder / ".cache") for paths in (before, after)]
        assert loaded[0].features == loaded[1].features, "other features"
    if layout["layout"].startswith("imagefolder"):
        loaded = datasets.load_dataset("imagefolder", data_dir=str(out), split="train", cache_dir=folder / ".cache")
        sizes = [list(picture.size) for picture in loaded["image"]]
        assert sizes == [[row["width"], row["height"]] for row in layout["rows"]][::2], "other pictures"


for line in (folder / "expected.jsonl").read_text().splitlines():
    layout = json.loads(line)
    out = folder / "subset"
    shutil.rmtree(out, ignore_errors=True)
    arguments = [program, folder / layout["path"], *layout["columns"], f"subset={out}"]
    run = subprocess.run(arguments, capture_output=True, text=True)
    try:
        assert run.returncode == 0, run.stderr
        rows = json.loads(run.stdout.splitlines()[-1])["subset"]["rows"]
        assert rows == len(layout["rows"][::2]), f"{rows} rows"
        check(layout, out)
        passed += 1
    except Exception as error:
        failed += 1
        print(f"{layout['layout']}: {type(error).__name__}: {error}")
shutil.rmtree(folder / "subset", ignore_errors=True)
print(f"{passed} passed, {failed} failed")
sys.exit(bool(failed))
