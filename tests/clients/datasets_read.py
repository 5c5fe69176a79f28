"""Compares what `list_dataset` reads with what `datasets_write.py` wrote.

usage: datasets_read.py FOLDER PROGRAM
"""

import json
import pathlib
import subprocess
import sys

folder, program = pathlib.Path(sys.argv[1]), sys.argv[2]
passed = failed = 0
for line in (folder / "expected.jsonl").read_text().splitlines():
    layout = json.loads(line)
    run = subprocess.run([program, folder / layout["path"], *layout["columns"]], capture_output=True, text=True)
    found = [json.loads(row) for row in run.stdout.splitlines()]
    kept = [{key: row.get(key) for key in ("id", "instruction", "width", "height", "edited", "extra")} for row in found]
    if run.returncode == 0 and kept == layout["rows"]:
        passed += 1
        continue
    failed += 1
    print(f"{layout['layout']}: exit code {run.returncode}, {len(found)} of {len(layout['rows'])} rows\n{run.stderr}")
    different = [(row, wanted) for row, wanted in zip(found, layout["rows"]) if row != wanted]
    for row, wanted in different[:1]:
        print(f"found    {row}\nexpected {wanted}")
print(f"{passed} passed, {failed} failed")
sys.exit(bool(failed))
