"""Rollouts in trouble of other kinds than kills: each costs time, and nothing else.

usage: rollout_trouble.py PROGRAM DESK [--nats-server FILE] [--only WORD,...] [--requests 40]

DESK is a folder for what is made. What the machine does not allow (network namespaces, mounts, libfaketime) is told and left out.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from rollout_desk import Checks, Desk, Nats, Written, ended, progress, stop_all, wait_for

STOPPED = 75
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def can(*command):
    """Whether a command of the system works here."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20).returncode == 0
    except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired):
        return False


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True)


class Cable:
    """A network namespace for workers, with one cable to the server outside."""

    def __init__(self):
        number = os.getpid()
        self.namespace, self.outer, self.inner = f"editscale-{number}", f"ed{number}a", f"ed{number}b"
        self.host, self.guest = "10.213.7.1", "10.213.7.2"

    def __enter__(self):
        ip("netns", "add", self.namespace)
        ip("link", "add", self.outer, "type", "veth", "peer", "name", self.inner)
        ip("link", "set", self.inner, "netns", self.namespace)
        ip("addr", "add", f"{self.host}/30", "dev", self.outer)
        ip("link", "set", self.outer, "up")
        for words in (("addr", "add", f"{self.guest}/30", "dev", self.inner), ("link", "set", self.inner, "up"), ("link", "set", "lo", "up")):
            ip("-n", self.namespace, *words)
        return self

    def pull(self, is_out):
        ip("link", "set", self.outer, "down" if is_out else "up")

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "del", self.outer], check=False)
        subprocess.run(["ip", "netns", "del", self.namespace], check=False)


class Trouble:
    """The trials. The first line of each says what is proved."""

    def __init__(self, plan, checks):
        self.plan, self.checks = plan, checks
        # Pictures of a size that lets trouble strike in the middle.
        self.desk = Desk(plan.program, Path(plan.desk), plan.requests, 8, (240, 180), 10)
        shutil.rmtree(self.desk.folder / "trials", ignore_errors=True)
        (self.desk.folder / "trials").mkdir()
        quiet = self.desk.folder / "quiet"
        if progress(quiet).get("state") != "finished":
            checks.that(self.desk.run(quiet) == 0, "an undisturbed run ends with 0")
        self.quiet = Written(quiet)

    def out(self, name):
        return self.desk.folder / "trials" / name

    def same(self, out):
        return self.checks.export(out, self.quiet, self.plan.requests, 8)

    def done(self, out, count):
        wait_for(lambda: ended(out) >= count, 300, f"{count} groups in {out}")

    def said(self, out):
        return Path(f"{out}.log").read_text(errors="replace")

    def terminate(self):
        """SIGTERM drains within the grace, exits with 75, and the same command goes on."""
        for grace in (0, 30):
            out = self.out(f"terminated-{grace}")
            worker = self.desk.start(out, "--grace-secs", grace)
            self.done(out, 5)
            begun = time.monotonic()
            worker.terminate()
            code, took = worker.wait(60), time.monotonic() - begun
            self.checks.that(code == STOPPED, f"SIGTERM ends with 75 (grace {grace} s)", code)
            self.checks.that(took < grace + 5 and ended(out) < self.plan.requests, f"it drains in time (grace {grace} s)", f"{took:.1f} s")
            self.checks.that(self.desk.run(out) == 0, "the same command goes on to its end")
            self.same(out)

    def pause(self):
        """A worker is suspended for longer than its leases last, and comes back: nothing is lost, given up or done twice."""
        out = self.out("paused")
        more = ("--lease-secs", 2, "--deliveries", 3)
        sleeper = self.desk.start(out, *more)
        self.done(out, 5)
        sleeper.send_signal(signal.SIGSTOP)
        other = self.desk.start(out, *more)
        try:
            time.sleep(20)
            sleeper.send_signal(signal.SIGCONT)
            codes = [worker.wait(600) for worker in (sleeper, other)]
        finally:
            stop_all([sleeper, other])
        self.checks.that(codes == [0, 0], "both end with 0", f"{codes} {self.said(out)[-600:]}")
        self.same(out)

    def partition(self):
        """A cable is pulled for 15 s, longer than a lease lasts: nothing is lost or done twice."""
        if not can("ip", "netns", "add", "editscale-probe"):
            print("left out: no network namespaces are to be had here (they need root and iproute2)")
            return
        subprocess.run(["ip", "netns", "del", "editscale-probe"], check=True)
        out = self.out("partitioned")
        with Cable() as cable:
            nats = Nats(self.plan.nats_server, self.out("server"), cable.host)
            more = ("--queue", nats.address, "--lease-secs", 5)
            inside = self.desk.start(out, *more, before=("ip", "netns", "exec", cable.namespace))
            outside = self.desk.start(out, *more)
            try:
                self.done(out, 5)
                cable.pull(True)
                time.sleep(15)
                cable.pull(False)
                codes = [worker.wait(600) for worker in (inside, outside)]
            finally:
                stop_all([inside, outside])
                nats.kill()
        self.checks.that(codes == [0, 0], "both workers end with 0", f"{codes} {self.said(out)[-600:]}")
        found = self.same(out)
        self.checks.that(found.workers == 2, "both had a part in it", found.workers)

    def blackout(self):
        """The only worker's server is away for longer than a lease lasts: it waits and goes on."""
        out, nats = self.out("blackout"), Nats(self.plan.nats_server, self.out("dark"))
        worker = self.desk.start(out, "--queue", nats.address, "--lease-secs", 5)
        try:
            self.done(out, 5)
            nats.kill()
            time.sleep(20)
            late = self.desk.run(self.out("late"), "--queue", nats.address)
            nats.start()
            code = worker.wait(600)
        finally:
            stop_all([worker])
            nats.kill()
        self.checks.that(late == STOPPED, "a worker that begins while the server is away ends with 75", late)
        self.checks.that(code == 0, "the worker ends with 0", f"{code} {self.said(out)[-600:]}")
        self.same(out)

    def disk(self):
        """A full disk ends the run with a clear error; with more room the same command goes on."""
        disk = self.out("disk")
        disk.mkdir()
        if not can("mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", str(disk)):
            print("left out: no tmpfs can be mounted here (it needs root)")
            return
        try:
            codes = []
            # Each size is too small in another place.
            for size in (2500, 3000, 4000, 6000):
                subprocess.run(["mount", "-o", f"remount,size={size}k", str(disk)], check=True)
                log = self.out(f"disk-{size}")
                with open(f"{log}.log", "wb") as file:
                    code = subprocess.run(self.desk.command(disk / "out"), stdout=file, stderr=file, timeout=600).returncode
                said = self.said(log)
                codes.append(code)
                told = [line for line in said.splitlines() if line.startswith("error:")]
                is_clear = any(words in line.lower() for line in told for words in ("no space", "disk is full"))
                self.checks.that(code == 0 or (code == 1 and is_clear and str(disk) in said), f"{size} KiB: the disk is named", f"{code} {said[-400:]}")
                print(f"       {size} KiB: {code}, {told}")
            self.checks.that(1 in codes, "the disk was full", codes)
            subprocess.run(["mount", "-o", "remount,size=1000m", str(disk)], check=True)
            self.checks.that(self.desk.run(disk / "out") == 0, "with more room the same command goes on to its end")
            self.same(disk / "out")
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=False)

    def unreadable(self):
        """A picture in the middle that cannot be read costs its rows, with the reason; all other rows are the same."""
        desk = Desk(self.plan.program, self.desk.folder / "torn", self.plan.requests, 8, (240, 180), 10)
        torn = desk.folder / "5.png"
        torn.write_bytes(torn.read_bytes()[:300])
        (desk.folder / "7.png").unlink()
        lines = map(json.loads, desk.rows.read_text().splitlines())
        lost = {line["id"] for line in lines if line["source"] in ("5.png", "7.png")}
        out = self.out("torn")
        self.checks.that(desk.run(out) == 0, "a run with unreadable pictures ends with 0")
        found = Written(out)
        expected = {key: row for key, row in self.quiet.rows.items() if row["row_id"] not in lost}
        # Recipe and rows are the same, and so are the names of runs.
        self.checks.same(found.rows, expected, "all other rows are equal")
        self.checks.that(len(found.skipped) == len(lost) > 0, "each unreadable row is told once", found.skipped[:2])
        self.checks.that(all("5.png" in line["reason"] or "7.png" in line["reason"] for line in found.skipped), "by its file", found.skipped[:2])

    def reward(self):
        """The reward's server is away for 30 s: groups wait, all are complete."""
        address, server = self.serve("127.0.0.1:0")
        model = f"{{model: {{editscale: {{reward: photometric, servers: [{{url: \"{address}/v1\"}}]}}}}}}"
        desk = Desk(self.plan.program, self.desk.folder / "remote", self.plan.requests, 8, (240, 180), 10, model)
        out = self.out("judged-elsewhere")
        worker = desk.start(out)
        try:
            self.done(out, 5)
            server.kill()
            server.wait()
            time.sleep(30)
            was = ended(out)
            _, server = self.serve(address.removeprefix("http://"))
            code = worker.wait(600)
        finally:
            stop_all([worker, server])
        self.checks.that(was < self.plan.requests, "the server went in the middle", was)
        self.checks.that(code == 0, "the run ends with 0", f"{code} {self.said(out)[-600:]}")
        found = Written(out)
        unscored = [key for key, row in found.rows.items() if row["status"] != "scored"]
        whole = len(found.groups) == self.plan.requests and len(found.rows) == found.count == 8 * self.plan.requests
        self.checks.that(whole and not found.skipped, "every group is there exactly once", f"{len(found.groups)} groups, {found.skipped[:1]}")
        self.checks.that(not unscored, "every candidate has its score", f"{len(unscored)} have none")
        rewards = {(row["row_id"], row["candidate"]): row["reward"] for row in self.quiet.rows.values()}
        differing = [row for row in found.rows.values() if row["reward"] != rewards[row["row_id"], row["candidate"]]]
        self.checks.that(not differing, "rewards are those of the reward in the same process", len(differing))

    def serve(self, listen):
        """The program as the server of its photometric reward: its address and the process."""
        said = self.out("address")
        with open(said, "wb") as out, open(self.out("served.log"), "ab") as log:
            words = ["serve", "--listen", listen, "--recipe", "quickstart", "--runs", self.out("served")]
            server = subprocess.Popen([self.desk.program, *map(str, words)], stdout=out, stderr=log)
        wait_for(lambda: said.read_text().strip(), 60, "the reward's server to start")
        return said.read_text().split()[0].rstrip("/"), server

    def clock(self):
        """The wall clock jumps by a day, forth and back: leases are neither lost nor last for ever."""
        if not Path(FAKETIME).is_file():
            print("left out: libfaketime is not installed")
            return
        out, clock = self.out("clock"), self.out("clock.txt")
        clock.write_text("+0\n")
        env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
        env |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        workers = [self.desk.start(out, "--lease-secs", 5, env=env) for _ in range(2)]
        try:
            for count, jump in ((5, "+1d"), (15, "-1d"), (25, "+0")):
                self.done(out, count)
                clock.write_text(jump + "\n")
            self.done(out, 30)
            workers[0].kill()
            workers[0].wait()
            code = workers[1].wait(600)
        finally:
            stop_all(workers)
        self.checks.that(code == 0, "it ends with 0", f"{code} {self.said(out)[-600:]}")
        found = self.same(out)
        times = [row["timing_finished_unix_secs"] for path in sorted((out / "parquet").glob("*")) for row in timing(path)]
        self.checks.that(max(times) - min(times) > 86_400, "the clock did jump", max(times) - min(times))
        self.checks.that(found.redelivered <= 8, "only the killed worker's groups were delivered again", found.redelivered)


def timing(path):
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path, columns=["timing_finished_unix_secs"]).to_pylist()


TRIALS = ("terminate", "pause", "partition", "blackout", "disk", "unreadable", "reward", "clock")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("program")
    parser.add_argument("desk")
    parser.add_argument("--nats-server", default="nats-server")
    parser.add_argument("--only", default=",".join(TRIALS))
    parser.add_argument("--requests", type=int, default=40)
    plan = parser.parse_args()
    checks = Checks()
    trouble = Trouble(plan, checks)
    for name in plan.only.split(","):
        begun = time.monotonic()
        checks.attempt(name, getattr(trouble, name))
        print(f"       {name}: {time.monotonic() - begun:.0f} s", flush=True)
    checks.close()


if __name__ == "__main__":
    main()
