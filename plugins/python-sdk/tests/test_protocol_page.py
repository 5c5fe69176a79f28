"""The frames that the specification shows are those that the SDK sends."""

import re
import runpy
from pathlib import Path

import pytest

from editscale.plugins._frames import Frames, decode, encode
from editscale.plugins._session import hello

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT.parents[1] / "docs" / "plugin-protocol.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the page is in the repository only")
def test_the_frames_of_the_page_are_real():
    lines = re.findall(r"^([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)", PAGE.read_text(), re.MULTILINE)
    dumps = []
    for place, line in lines:
        dumps = [*dumps, b""] if place == "0000" else dumps
        dumps[-1] += bytes.fromhex(line)
    frames = Frames()
    messages = [decode(body) for dump in dumps for body in frames.push(dump)]
    frames.end()
    example = runpy.run_path(str(ROOT / "examples" / "brightness.py"))
    assert messages[0] == ("hello", hello({"reward": example["Brightness"]}))
    failed = {"failed": {"class": "refused", "message": "no face"}}
    assert messages[1] == ("answer", {"judged": {"id": 7, "items": [{"done": {"mean": 0.75}}, failed]}})
    assert [encode(*message) for message in messages] == dumps
