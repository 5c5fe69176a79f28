"""Writes small data sets in every layout, with the libraries that people write them with.

usage: datasets_write.py FOLDER

FOLDER/LAYOUT is a data set; FOLDER/expected.jsonl has a line for each layout: `layout`, `path` (relative to FOLDER), `columns`
(PART=COLUMN for `list_dataset`, mostly none) and `rows` (id, instruction, width, height, edited, extra of each row, in order).
"""

import base64
import csv
import gzip
import io
import json
import pathlib
import sys

import datasets
import pyarrow
import pyarrow.parquet
import webdataset
from PIL import Image

ROWS = 7
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
expected = []
instructions = [f"make it warmer, \"{number}\"\nand brighter – année" for number in range(ROWS)]


def picture(number):
    return Image.new("RGB", (8 + number, 5 + 2 * number), (30 * number, 90, 200 - 20 * number))


def encoded(number, kind="PNG"):
    buffer = io.BytesIO()
    picture(number).save(buffer, kind)
    return buffer.getvalue()


def size(number):
    return [8 + number, 5 + 2 * number]


def rows(ids=None, extra=None, edited=None):
    made = []
    for number in range(ROWS):
        row = {"id": ids(number) if ids else str(number), "instruction": instructions[number]}
        row |= {"width": 8 + number, "height": 5 + 2 * number, "extra": extra(number) if extra else {}}
        row["edited"] = [size(made) for made in edited(number)] if edited else []
        made.append(row)
    return made


def expect(layout, path, made, *columns):
    expected.append({"layout": layout, "path": path, "columns": list(columns), "rows": made})


def place(layout):
    (folder / layout).mkdir(exist_ok=True)
    return folder / layout


def named(number):
    return f"edit-{number}"


# What most people have: the image struct, in shards as the hub keeps them.
features = datasets.Features({
    "id": datasets.Value("string"),
    "image": datasets.Image(),
    "instruction": datasets.Value("string"),
    "difficulty": datasets.ClassLabel(names=["easy", "hard"]),
    "score": datasets.Value("float32"),
})
table = datasets.Dataset.from_list(
    [
        {"id": named(n), "image": picture(n), "instruction": instructions[n], "difficulty": n % 2, "score": n + 0.1}
        for n in range(ROWS)
    ],
    features=features,
)


def extra(number):
    return {"difficulty": number % 2, "score": number + 0.1}


keep = ("keep=difficulty", "keep=score")
table.to_parquet(place("parquet") / "rows.parquet")
expect("parquet", "parquet/rows.parquet", rows(named, extra), *keep)
table.to_parquet(place("parquet-groups") / "rows.parquet", batch_size=2)
expect("parquet-groups", "parquet-groups", rows(named, extra), *keep)
(place("hub") / "data").mkdir(exist_ok=True)
(folder / "hub/README.md").write_text("---\nlicense: mit\n---\n")
for shard in range(3):
    table.shard(3, shard, contiguous=True).to_parquet(folder / f"hub/data/train-{shard:05d}-of-00003.parquet")
expect("hub", "hub", rows(named, extra), *keep)

# Paths instead of bytes, lists of one picture, other spellings of text and bytes.
for number in range(ROWS):
    (place("pictures") / f"{number}.png").write_bytes(encoded(number))
struct = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
layouts = {
    "paths": (struct, lambda n: {"bytes": None, "path": f"../pictures/{n}.png"}),
    "plain-binary": (pyarrow.binary(), encoded),
    "large-binary": (pyarrow.large_binary(), encoded),
    "binary-view": (pyarrow.binary_view(), encoded),
    "plain-path": (pyarrow.string_view(), lambda n: f"../pictures/{n}.png"),
    "list-of-one": (pyarrow.list_(struct), lambda n: [{"bytes": encoded(n), "path": f"{n}.png"}]),
    "large-list": (pyarrow.large_list(struct), lambda n: [{"bytes": encoded(n), "path": None}]),
}
texts = [pyarrow.string(), pyarrow.large_string(), pyarrow.string_view(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
packings = ["snappy", "zstd", "gzip", "brotli", "lz4", "none"]
for at, (layout, (kind, value)) in enumerate(layouts.items()):
    text = texts[at % len(texts)]
    words = pyarrow.array(instructions, pyarrow.string())
    words = words.dictionary_encode() if pyarrow.types.is_dictionary(text) else words.cast(text)
    columns = {"source_image": pyarrow.array([value(n) for n in range(ROWS)], kind), "edit_prompt": words}
    columns["unused"] = pyarrow.array([[{"deep": [n]}] for n in range(ROWS)])
    options = {"compression": packings[at % len(packings)], "row_group_size": 1 + at, "data_page_size": 64}
    options |= {"data_page_version": ["1.0", "2.0"][at % 2], "write_page_index": at % 2 == 0}
    pyarrow.parquet.write_table(pyarrow.table(columns), place(layout) / "rows.parquet", **options)
    expect(layout, f"{layout}/rows.parquet", rows())

# Folders of pictures with a table.
for suffix in ("csv", "jsonl", "parquet"):
    home = place(f"imagefolder-{suffix}")
    (home / "train/inner").mkdir(parents=True, exist_ok=True)
    records = []
    for number in range(ROWS):
        name = f"inner/{number}.jpg" if number % 2 else f"{number}.png"
        (home / "train" / name).write_bytes(encoded(number, "JPEG" if number % 2 else "PNG"))
        records.append({"file_name": name, "text": instructions[number], "seed": number * 7})
    target = home / f"train/metadata.{suffix}"
    metadata = datasets.Dataset.from_list(records)
    if suffix == "csv":
        metadata.to_csv(target)
    elif suffix == "jsonl":
        metadata.to_json(target)
    else:
        metadata.to_parquet(target)
    loaded = datasets.load_dataset("imagefolder", data_dir=str(home), split="train", cache_dir=folder / ".cache")
    assert loaded["text"] == instructions, "the library reads the folder otherwise"
    expect(f"imagefolder-{suffix}", f"imagefolder-{suffix}", rows())

# Tables and lines by hand, as scripts write them.
with open(place("tables") / "semicolons.csv", "w", newline="", encoding="utf-8-sig") as file:
    writer = csv.writer(file, delimiter=";")
    writer.writerow(["uid", "image", "prompt"])
    writer.writerows([named(n), f"../pictures/{n}.png", instructions[n]] for n in range(ROWS))
expect("semicolons", "tables/semicolons.csv", rows(named))
with open(folder / "tables/tabs.tsv", "w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file, dialect="excel-tab")
    writer.writerow(["uid", "image", "prompt"])
    data = [base64.b64encode(encoded(n)).decode() for n in range(ROWS)]
    writer.writerows([named(n), data[n], instructions[n]] for n in range(ROWS))
expect("tabs", "tables/tabs.tsv", rows(named))
lines = [
    {"key": named(n), "before": f"data:image/png;base64,{data[n]}", "edit": instructions[n], "tags": ["a", n]}
    for n in range(ROWS)
]
text = "".join(json.dumps(line) + "\n" for line in lines)
with gzip.open(place("lines") / "rows.jsonl.gz", "wt") as file:
    file.write(text)
expect("lines-gzip", "lines/rows.jsonl.gz", rows(named, lambda n: {"tags": ["a", n]}), "keep=tags")
structs = [{"id": n, "image": {"bytes": data[n], "path": f"{n}.png"}, "instruction": instructions[n]} for n in range(ROWS)]
(folder / "lines/structs.jsonl").write_text("\ufeff" + "\r\n\r\n".join(json.dumps(line) for line in structs), newline="")
expect("lines-structs", "lines/structs.jsonl", rows())

# One list, as `json.dump` writes it: ShareGPT-4o-Image's layout, and one for people to read.
def beside(number):
    return f"../pictures/{number}.png"


shared = [
    {"input_prompt": instructions[n], "input_image": [beside(n)], "output_image": beside((n + 1) % ROWS)} for n in range(ROWS)
]
(place("sharegpt") / "text_and_image_to_image.json").write_text(json.dumps(shared))
after = rows(edited=lambda n: [(n + 1) % ROWS])
expect("sharegpt", "sharegpt/text_and_image_to_image.json", after, "edited=usual")
with gzip.open(place("list-gzip") / "rows.json.gz", "wt") as file:
    json.dump(shared, file, indent=2, ensure_ascii=False)
expect("list-gzip", "list-gzip/rows.json.gz", after, "edited=usual")

# Several edited pictures: columns with numbers, and a list of them.
several = datasets.Features({name: datasets.Image() for name in ("input_image", "output_0", "output_1")} | {
    "instruction": datasets.Value("string"),
    "candidates": datasets.Sequence(datasets.Image()),
})
made = [
    {
        "input_image": picture(n),
        "output_1": picture((n + 2) % ROWS),
        "output_0": picture((n + 1) % ROWS),
        "instruction": instructions[n],
        "candidates": [picture(at) for at in range(1 + n % 3)],
    }
    for n in range(ROWS)
]
datasets.Dataset.from_list(made, features=several).to_parquet(place("several") / "rows.parquet")
numbered = rows(edited=lambda n: [(n + 1) % ROWS, (n + 2) % ROWS])
expect("several", "several/rows.parquet", numbered, "edited=usual")
expect("several-list", "several/rows.parquet", rows(edited=lambda n: range(1 + n % 3)), "edited=candidates")

# Tar archives in several spellings.
with webdataset.ShardWriter(str(place("webdataset") / "shard-%06d.tar"), maxcount=3, verbose=0) as shards:
    for number in range(ROWS):
        meta = {"difficulty": number % 2, "score": number + 0.1}
        shards.write({"__key__": named(number), "jpg": picture(number), "txt": instructions[number], "json": meta})
expect("webdataset", "webdataset", rows(named, extra), *keep)
expect("webdataset-braces", "webdataset/shard-{000000..000002}.tar", rows(named, extra), *keep)
with webdataset.TarWriter(str(place("webdataset-named") / "rows.tar.gz")) as shard:
    for number in range(ROWS):
        meta = {"instruction": instructions[number], "task": {"name": f"t{number}"}}
        long = f"folder/{'x' * 120}{number}"
        shard.write({"__key__": long, "edited.png": picture(0), "source.png": encoded(number), "json": meta})
expect(
    "webdataset-named",
    "webdataset-named",
    rows(lambda n: f"folder/{'x' * 120}{n}", lambda n: {"task.name": f"t{n}"}),
    "keep=task.name",
)

with webdataset.TarWriter(str(place("webdataset-edited") / "rows.tar")) as shard:
    for number in range(ROWS):
        pictures = {"input.png": encoded(number), "output.jpg": picture((number + 1) % ROWS)}
        shard.write({"__key__": named(number), **pictures, "txt": instructions[number]})
expect("webdataset-edited", "webdataset-edited", rows(named, edited=lambda n: [(n + 1) % ROWS]), "edited=usual")

(folder / "expected.jsonl").write_text("".join(json.dumps(line) + "\n" for line in expected))
print(f"{len(expected)} layouts")
