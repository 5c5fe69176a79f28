"""The examples, streams, and what a person sees who starts a plugin by hand."""

import io
import os
import re
import subprocess
import sys

import pytest
from plugin_host import PATIENCE, PEERS, ROOT, Host, edit, item, judge, picture

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@pytest.fixture
def png():
    """A grey picture."""
    images = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    images.new("RGB", (8, 6), (100, 100, 100)).save(buffer, "PNG")
    return buffer.getvalue()


def test_brightness(tmp_path, png):
    with Host(ROOT / "examples" / "brightness.py", tmp_path, config={"wanted": 0.5}) as host:
        assert host.ready()["reward"]["revision"] == "brightness/1, wanted 0.5"
        broken, good = picture(b"\x89PNG\r\n\x1a\nbroken"), picture(png)
        [done] = host.items(judge("darker", images=[good, good]))
        assert done["done"]["mean"] == pytest.approx(1.0 - (0.5 - 100 / 255))
        assert [part["name"] for part in done["done"]["parts"]] == ["before", "after"]
        [failed] = host.items(judge("darker", images=[good, broken]))
        assert failed["failed"]["class"] == "invalid"
        assert "cannot be decoded" in failed["failed"]["message"]


def test_warmer(tmp_path, png):
    from PIL import Image

    with Host(ROOT / "examples" / "warmer.py", tmp_path, kind="editor") as host:
        assert host.ready()["editor"]["masks"] is True
        shaped = {**item(2, seed=1), "output_size": {"width": 4, "height": 2}, "mask": 1}
        black = picture(masked(Image))
        made = host.items(edit(item(0, seed=1), item(1, seed=1), item(3, seed=2), shaped, images=[picture(png), black]))
        bytes_of = [outcome["done"]["image"]["body"]["inline"] for outcome in made]
        assert bytes_of[0] == bytes_of[1] != bytes_of[2]
        red, green, blue = Image.open(io.BytesIO(bytes_of[0])).getpixel((0, 0))
        assert red > green > blue
        unchanged = Image.open(io.BytesIO(bytes_of[3]))
        assert (unchanged.size, unchanged.getpixel((0, 0))) == ((4, 2), (100, 100, 100))


def masked(images):
    buffer = io.BytesIO()
    images.new("L", (8, 6), 0).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_person_is_told_what_it_is():
    script = ROOT / "examples" / "brightness.py"
    run = subprocess.run([sys.executable, script, "--help"], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("Brightness: a plugin for editscale (reward).\nHighest for a picture of the wanted brightness.\n")
    assert re.search(r"editscale plugin check -- \S*python\S* \S*brightness\.py\n", run.stderr)
    assert re.search(r"rewards: \[\{model: \{plugin: \{run: \[\S*python\S*, \S*brightness\.py\]", run.stderr)


def test_a_terminal_is_no_host():
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, ROOT / "examples" / "warmer.py"]
    run = subprocess.run(command, stdin=theirs, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    assert run.returncode == 2
    assert re.search(r"editor: \{plugin: \{run: \[\S*python\S*, \S*warmer\.py\]", run.stderr)


def test_a_plugin_without_a_host_says_so():
    run = subprocess.run(
        [sys.executable, PEERS / "odd_reward.py"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert run.returncode == 1
    assert b"standard input ended before `welcome`: this is a plugin, which editscale starts" in run.stderr


def test_importing_leaves_output_alone_where_there_is_no_host(tmp_path):
    code = "import editscale.plugins, os; print('kept'); os.write(1, b'kept too')"
    run = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert sorted(run.stdout.split(b"\n")) == [b"kept", b"kept too"] or run.stdout in (b"kept tookept\n", b"kept\nkept too")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("serve()", "expected a class that derives from `Reward` or `Editor`, found none"),
        ("serve(int)", "found <class 'int'>"),
        ("class A(Reward):\n  def load(self, config): ...\nserve(A)", "`A` writes neither `score` nor `score_one`: expected one of them"),
        ("class A(Editor):\n  load = edit_one = None\nclass B(A): ...\nserve(A, B)", "`A` and `B` are both of kind editor"),
    ],
)
def test_what_cannot_be_served_is_said(code, said):
    code = f"from editscale.plugins import Editor, Reward, serve\n{code}"
    run = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert said in run.stderr.splitlines()[-1]
