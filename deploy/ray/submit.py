#!/usr/bin/env python3
"""Runs `editscale run` as Ray Jobs: one job a shard, each with its own card, through the REST interface of Ray's dashboard.

    deploy/ray/submit.py http://HEAD:8265 --shards 8 -- /shared/dataset --recipe /shared/recipe.yaml --out /shared/rollouts

What follows `--` is handed to `editscale run`, with `--shard I/N` and a time of grace. With `--queue nats://HOST:4222` among it the jobs
pull from the queue, and no shards are given. Ray runs a job once: a job that ends with 75, or whose node dies, is submitted again here,
until `--attempts` are used up. Paths have to mean the same on every node. Needs Python 3.10 and nothing else.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

RUN_AGAIN = 75
MISUSE = 2
ENDED = {"SUCCEEDED", "FAILED", "STOPPED"}


@dataclass
class Job:
    """One shard, and how often it was submitted."""

    shard: int
    entrypoint: str
    attempt: int = 0
    submission: str = ""
    ended: str = ""


class Dashboard:
    """Ray's dashboard."""

    def __init__(self, address: str) -> None:
        """At an address such as http://127.0.0.1:8265."""
        self.address = address.rstrip("/")

    def ask(self, path: str, body: dict | None = None) -> dict:
        """Asks, and asks again while the dashboard is away."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        for wait in (1, 2, 4, 8, 16, None):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code < 500 or wait is None:
                    raise SystemExit(f"{self.address}{path}: {error.code}: {error.read().decode(errors='replace')[:500]}") from None
            except OSError as error:
                if wait is None:
                    raise SystemExit(f"{self.address}{path}: {error}") from None
            time.sleep(wait)
        raise AssertionError("the last wait is none")


def jobs(options: argparse.Namespace) -> list[Job]:
    """The jobs that are asked for."""
    command = ["editscale", "run", *options.command, "--grace-secs", str(options.grace_secs)]
    is_queued = any(word == "--queue" or word.startswith("--queue=") for word in options.command)
    shards = [[] if is_queued else ["--shard", f"{shard}/{options.shards}"] for shard in range(options.shards)]
    return [Job(number, shlex.join([*command, *shard])) for number, shard in enumerate(shards)]


def body(job: Job, options: argparse.Namespace) -> dict:
    """What the dashboard is sent."""
    return {
        "entrypoint": job.entrypoint,
        "submission_id": job.submission,
        "entrypoint_num_cpus": options.cpus,
        "entrypoint_num_gpus": options.gpus,
        "runtime_env": {"env_vars": variables(options)},
        "metadata": {"shard": str(job.shard), "attempt": str(job.attempt)},
    }


def variables(options: argparse.Namespace) -> dict[str, str]:
    """The jobs' variables. Ray kills three seconds after it has asked a job to stop, unless one of them says otherwise."""
    return {"RAY_JOB_STOP_WAIT_TIME_S": str(options.grace_secs + 15)} | dict(pair.split("=", 1) for pair in options.env)


def submit(dashboard: Dashboard, job: Job, options: argparse.Namespace) -> None:
    """Submits a job, the first time or again."""
    job.attempt += 1
    job.submission = f"{options.name}-{job.shard}-{job.attempt}"
    dashboard.ask("/api/jobs/", body(job, options))
    print(f"shard {job.shard}: submitted as {job.submission}", file=sys.stderr)


def look(dashboard: Dashboard, job: Job, options: argparse.Namespace) -> None:
    """Looks at a job, and submits it again where that is of use."""
    found = dashboard.ask(f"/api/jobs/{job.submission}")
    status, code = found["status"], found.get("driver_exit_code")
    if status not in ENDED:
        return
    # A job whose node died has no exit code.
    again = status == "FAILED" and code not in (MISUSE, 1) and job.attempt < options.attempts
    print(f"shard {job.shard}: {status.lower()}, exit code {code}{', again' if again else ''}", file=sys.stderr)
    if again:
        submit(dashboard, job, options)
    else:
        job.ended = status


def run(options: argparse.Namespace) -> int:
    """Submits all jobs and waits for their ends."""
    dashboard, mine = Dashboard(options.dashboard), jobs(options)
    for job in mine:
        submit(dashboard, job, options)
    try:
        while waiting := [job for job in mine if not job.ended]:
            time.sleep(options.poll_secs)
            for job in waiting:
                look(dashboard, job, options)
    except KeyboardInterrupt:
        # Ray sends SIGTERM: groups in work are finished or given back.
        for job in mine:
            if not job.ended:
                dashboard.ask(f"/api/jobs/{job.submission}/stop", {})
        return RUN_AGAIN
    return int(any(job.ended != "SUCCEEDED" for job in mine))


def arguments(words: list[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dashboard", help="address of Ray's dashboard, such as http://127.0.0.1:8265")
    parser.add_argument("--name", default=f"editscale-{int(time.time())}", help="what submissions are called (default: by the time)")
    parser.add_argument("--shards", type=int, default=1, help="how many jobs (default: %(default)s)")
    parser.add_argument("--cpus", type=float, default=4, help="processors of a job (default: %(default)s)")
    parser.add_argument("--gpus", type=float, default=1, help="cards of a job (default: %(default)s)")
    parser.add_argument("--attempts", type=int, default=20, help="how often a job is submitted at most (default: %(default)s)")
    parser.add_argument("--grace-secs", type=int, default=60, help="what a job that is stopped has to end (default: %(default)s)")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="a variable of the jobs; may be repeated")
    parser.add_argument("--poll-secs", type=float, default=5, help="how often jobs are looked at (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="print what would be submitted and submit nothing")
    parser.add_argument("command", nargs="+", help="after `--`: what `editscale run` is given")
    options = parser.parse_args(words)
    if options.shards < 1:
        parser.error("--shards: expected at least 1")
    if wrong := [pair for pair in options.env if "=" not in pair]:
        parser.error(f"--env: expected NAME=VALUE, found {wrong[0]}")
    return options


def main() -> int:
    """Reads the command line and runs."""
    options = arguments(sys.argv[1:])
    if options.dry_run:
        for job in jobs(options):
            job.submission = f"{options.name}-{job.shard}-1"
            print(json.dumps(body(job, options)))
        return 0
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
