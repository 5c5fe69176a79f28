"""Runs what the pages of docs/days show, block after block, as their reader would: shell lines, servers, and Python. Pages without Python are
left to tests/readme.rs.

usage: days.py PROGRAMS
PROGRAMS is the folder of the program.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
usual = "http://127.0.0.1:8080"
environment = os.environ | {
    "PATH": f"{pathlib.Path(sys.argv[1]).resolve()}:{os.environ['PATH']}",
    "PYTHONPATH": str(root / "plugins/python-sdk/src"),
}


class Day:
    """One page, in a folder of its own."""

    def __init__(self, desk):
        self.desk = desk
        self.servers = []
        self.address = usual

    def shell(self, line):
        if line.startswith("editscale serve"):
            # Its usual port may be somebody's: elsewhere it is the same.
            command = ["sh", "-c", f"exec {line} --listen 127.0.0.1:0"]
            server = subprocess.Popen(command, cwd=self.desk, env=environment, stdout=subprocess.PIPE, text=True)
            self.servers.append(server)
            self.address = server.stdout.readline().strip()
            assert self.address.startswith("http://"), f"{line}: {self.address!r}"
            return
        subprocess.run(["sh", "-c", line], cwd=self.desk, env=environment, check=True, stdin=subprocess.DEVNULL)

    def python(self, lines):
        lines = lines.replace(usual, self.address)
        subprocess.run([sys.executable, "-c", lines], cwd=self.desk, env=environment, check=True, stdin=subprocess.DEVNULL)

    def live(self, text):
        blocks = re.findall(r"^```(sh|python)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for language, block in blocks:
            if language == "python":
                self.python(block)
                continue
            for line in block.splitlines():
                self.shell(line)
        return len(blocks)

    def end(self):
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            server.wait(timeout=60)


def lived(page):
    with tempfile.TemporaryDirectory() as desk:
        for folder in ["examples", "configs"]:
            os.symlink(root / folder, pathlib.Path(desk) / folder)
        day = Day(desk)
        try:
            return day.live(page.read_text()) > 0
        except (AssertionError, subprocess.CalledProcessError) as error:
            print(f"{page.name}: {error}", file=sys.stderr)
            return False
        finally:
            day.end()


pages = [page for page in sorted((root / "docs/days").glob("*.md")) if "```python" in page.read_text()]
good = [page.name for page in pages if lived(page)]
print(f"{len(good)} passed, {len(pages) - len(good)} failed")
sys.exit(len(good) != len(pages) or not pages)
