"""What is imported when, and what is said where a package is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
HIDE = """
import importlib.util
find = importlib.util.find_spec
there = {{"numpy", "pyarrow"}} - set({missing!r})
importlib.util.find_spec = lambda name, package=None: None if name in {missing!r} else find("os" if name in there else name, package)
"""


def python(code):
    """What this code prints, in a process of its own."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(SOURCE)}, check=False)
    return run.stdout, run.stderr


def test_plugins_need_nothing_heavy():
    heavy = ("numpy", "pyarrow", "PIL", "torch", "multiprocessing", "asyncio")
    printed, errors = python(f"import sys, editscale, editscale.plugins; print([name for name in {heavy} if name in sys.modules])")
    assert printed == "[]\n", errors


@pytest.mark.parametrize(
    ("missing", "said"),
    [(("numpy", "pyarrow"), "NumPy and PyArrow"), (("pyarrow",), "PyArrow")],
)
def test_readers_say_what_is_missing(missing, said):
    _, errors = python(HIDE.format(missing=missing) + "import editscale.rollouts")
    assert f"editscale.rollouts reads with {said}, not installed here" in errors
    assert 'pip install "./plugins/python-sdk[rollouts]"' in errors
