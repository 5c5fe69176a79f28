"""Rollouts while workers are killed: every group exactly once, and all rows as an undisturbed run writes them.

usage: rollout_kills.py PROGRAM DESK [--requests 1000] [--samples 8] [--workers 4] [--kills 20] [--queue sqlite|nats]
                        [--nats-server FILE] [--server-restarts 2] [--seed 0] [--size 160x120] [--lease-secs 60]

DESK is a folder for what is made; the undisturbed run there is used again, so that both queues can be tried against one. Kills are
`kill -9` of a worker by chance, spread over the run; the NATS server is killed the same way and comes back over its store.
"""

import argparse
import random
import shutil
import time
from pathlib import Path

from rollout_desk import Checks, Desk, Nats, Written, ended, progress, stop_all

STOPPED = 75


class Disturbance:
    """Workers of one run, and whoever kills them."""

    def __init__(self, desk, out, plan, nats):
        self.desk, self.out, self.plan, self.nats = desk, out, plan, nats
        self.chance = random.Random(f"kills {plan.seed}")
        self.more = ["--lease-secs", plan.lease_secs, *(["--queue", nats.address] if nats else [])]
        self.workers = [self.start() for _ in range(plan.workers)]
        self.kills = self.restarts = self.returns = 0
        # Moments by what has ended, so that they are spread over the run however fast the machine is.
        self.moments = self.spread(plan.kills)
        self.outages = self.spread(plan.server_restarts if nats else 0)
        self.codes = []

    def spread(self, count):
        slots = ((number + self.chance.random()) / max(count, 1) for number in range(count))
        return [int(slot * 0.9 * self.plan.requests) for slot in slots]

    def start(self):
        return self.desk.start(self.out, *self.more)

    def kill_one(self):
        place = self.chance.choice([place for place, worker in enumerate(self.workers) if worker.poll() is None])
        time.sleep(self.chance.uniform(0, 0.3))
        self.workers[place].kill()
        self.workers[place].wait()
        self.kills += 1
        time.sleep(self.chance.uniform(0, 0.5))
        self.workers[place] = self.start()

    def restart_server(self):
        self.nats.kill()
        self.restarts += 1
        time.sleep(self.chance.uniform(0.5, 4))
        self.nats.start()

    def go_on(self):
        """Looks after the workers; whether any of them is at work."""
        for place, worker in enumerate(self.workers):
            code = worker.poll()
            if code == STOPPED:
                # Something was away: it says that the same command goes on.
                self.returns += 1
                time.sleep(0.5)
                self.workers[place] = self.start()
        return any(worker.poll() is None for worker in self.workers)

    def run(self):
        try:
            while self.go_on():
                now = ended(self.out)
                if self.outages and now >= self.outages[0]:
                    self.outages.pop(0)
                    self.restart_server()
                if self.moments and now >= self.moments[0]:
                    self.moments.pop(0)
                    self.kill_one()
                time.sleep(0.05)
            self.codes = [worker.wait() for worker in self.workers]
        finally:
            stop_all(self.workers)


def undisturbed(desk, checks):
    """The run of one process that nobody disturbs, made once."""
    out = desk.folder / "quiet"
    if progress(out).get("state") != "finished":
        begun = time.monotonic()
        code = desk.run(out)
        took = time.monotonic() - begun
        checks.that(code == 0, "an undisturbed run ends with 0", code)
        print(f"undisturbed: {took:.1f} s, {desk.requests * desk.samples / took:.0f} candidates/s")
    return Written(out)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("program")
    parser.add_argument("desk")
    for name, usual in (("requests", 1000), ("samples", 8), ("workers", 4), ("kills", 20), ("server-restarts", 2), ("seed", 0), ("lease-secs", 60)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--queue", choices=("sqlite", "nats"), default="sqlite")
    parser.add_argument("--nats-server", default="nats-server")
    parser.add_argument("--size", default="160x120")
    parser.add_argument("--groups-per-shard", type=int, default=50)
    plan = parser.parse_args()
    checks = Checks()
    size = tuple(map(int, plan.size.split("x")))
    desk = Desk(plan.program, plan.desk, plan.requests, plan.samples, size, plan.groups_per_shard)
    quiet = undisturbed(desk, checks)
    out = desk.folder / plan.queue
    for old in (out, desk.folder / "server"):
        shutil.rmtree(old, ignore_errors=True)
    Path(f"{out}.log").unlink(missing_ok=True)
    nats = Nats(plan.nats_server, desk.folder / "server") if plan.queue == "nats" else None
    try:
        begun = time.monotonic()
        disturbance = Disturbance(desk, out, plan, nats)
        disturbance.run()
        took = time.monotonic() - begun
    finally:
        if nats:
            nats.kill()
    checks.that(not any(disturbance.codes), "every process ends with 0", disturbance.codes)
    checks.that(disturbance.kills == plan.kills, "all kills took place", disturbance.kills)
    found = checks.export(out, quiet, plan.requests, plan.samples)
    checks.that(found.redelivered > 0 or plan.kills < 5, "kills struck groups under way")
    print(
        f"{plan.queue}: {took:.1f} s, {disturbance.kills} kills, {disturbance.restarts} restarts of the server, "
        f"{disturbance.returns} workers came back after 75, {found.redelivered} groups were delivered again, "
        f"{len(found.groups)} groups by {found.workers} processes, {found.count / took:.0f} candidates/s"
    )
    checks.close()


if __name__ == "__main__":
    main()
