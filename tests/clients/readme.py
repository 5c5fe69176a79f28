"""Runs the lines of Python that README.md shows of a client, against a server. `trainer.py` runs those that read rollouts.

usage: readme.py BASE_URL
"""

import os
import pathlib
import re
import shutil
import sys
import tempfile

import openai

root = pathlib.Path(__file__).resolve().parents[2]
shown = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
shown = [lines for lines in shown if "import openai" in lines]
with tempfile.TemporaryDirectory() as desk:
    os.chdir(desk)
    shutil.copy(root / "examples/photos/coffee.jpg", "photo.jpg")
    for lines in shown:
        assert "http://127.0.0.1:8080" in lines, lines
        scope = {"openai": openai}
        # The last line's value is what the reader would look at.
        *before, last = lines.replace("http://127.0.0.1:8080", sys.argv[1]).strip().split("\n")
        exec("\n".join(before), scope)
        answer = eval(last, scope)
        assert len(answer.data) == 2 and all(image.b64_json for image in answer.data), answer
    os.chdir("/")
print(f"{len(shown)} passed, 0 failed" if shown else "0 passed, 1 failed")
sys.exit(not shown)
