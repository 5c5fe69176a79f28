"""What the pages show is real: frames, and the plugins that people copy."""

import io
import re
import runpy
from pathlib import Path

import pytest
from plugin_host import Host, edit, item, judge, picture

from editscale.plugins._frames import Frames, decode, encode
from editscale.plugins._session import hello

ROOT = Path(__file__).resolve().parents[1]
PROTOCOL = ROOT.parents[1] / "docs" / "plugin-protocol.md"
GUIDE = ROOT.parents[1] / "docs" / "plugins.md"

pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="the pages are in the repository only")


def plugins(page):
    """The blocks of a page that are whole plugins."""
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "serve(" in block]


@pytest.fixture
def grey():
    """A grey picture."""
    images = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    images.new("RGB", (8, 6), (100, 100, 100)).save(buffer, "PNG")
    return picture(buffer.getvalue())


def test_the_frames_of_the_page_are_real():
    lines = re.findall(r"^([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)", PROTOCOL.read_text(), re.MULTILINE)
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


@pytest.mark.parametrize("page", [GUIDE, ROOT / "README.md"], ids=["guide", "readme"])
def test_the_reward_of_the_page_works(tmp_path, grey, page):
    script = tmp_path / "brightness.py"
    script.write_text(plugins(page)[0])
    with Host(script, tmp_path / "spool", config={"wanted": 0.7}) as host:
        host.ready()
        [outcome] = host.items(judge("brighter", images=[grey, grey]))
    assert outcome["done"]["mean"] == pytest.approx(1.0 - (0.7 - 100 / 255))


def test_the_reward_of_the_front_page_works(tmp_path, grey):
    script = tmp_path / "brightness.py"
    script.write_text(plugins(ROOT.parents[1] / "README.md")[0])
    with Host(script, tmp_path / "spool") as host:
        host.ready()
        assert host.items(judge("", images=[grey, grey]))[0]["done"]["mean"] == pytest.approx(100 / 255)


def test_the_editor_of_the_page_works(tmp_path, grey):
    from PIL import Image

    script = tmp_path / "warmer.py"
    script.write_text(plugins(GUIDE)[1])
    with Host(script, tmp_path / "spool", kind="editor") as host:
        host.ready()
        [outcome] = host.items(edit(item(), images=[grey]))
    red, green, blue = Image.open(io.BytesIO(outcome["done"]["image"]["body"]["inline"])).getpixel((0, 0))
    assert red > green > blue
