"""A reward that does what its configuration and its instructions say: what people's code does, too."""

import os
import subprocess
import sys
import threading
import time

from editscale.plugins import Call, Config, Failure, Judged, Part, Reward, RewardCard, RewardItem, Unready, serve

print("printed while importing")
meeting = threading.Barrier(2, timeout=20)


class OddReward(Reward):
    """What a test wants."""

    name = "odd"
    version = "7"

    def load(self, config: Config) -> RewardCard:
        """Gets ready, or not."""
        print_everywhere("while loading")
        load = config.text("load", "fine", choices=("fine", "unready", "missing", "value", "broken", "no card", "nan card", "slow"))
        slots, batch = config.whole("slots", 1, low=1), config.whole("batch", 16, low=1)
        if load == "unready":
            raise Unready("there are no weights in /nowhere")
        if load == "missing":
            import a_package_that_nobody_has  # noqa: F401
        if load == "value":
            raise ValueError("expected a model, found none")
        if load == "broken":
            raise KeyError("deep inside")
        if load == "no card":
            return None
        if load == "nan card":
            return RewardCard(revision="odd/1", range=(0.0, float("nan")))
        if load == "slow":
            time.sleep(0.5)
        return RewardCard(revision="odd/1", range=(0.0, 100.0), slots=slots, largest_batch=batch, gives_sigma=True)

    def score(self, items: list[RewardItem], call: Call) -> list:
        """Most of what can be wrong with a batch, and each item by itself otherwise."""
        what = items[0].instruction
        if what == "too few":
            return []
        if what == "text":
            return "0.5"
        if any(item.instruction == "raise in batch" for item in items):
            raise RuntimeError("the whole batch is lost")
        if what == "doubt":
            raise Failure("it may be paid", kind="ambiguous")
        if what == "mixed":
            return [1, Judged(2.0, sigma=0.5, parts=[Part("a", 0.1)]), Failure("no face", kind="refused"), float("nan"), "x", None, True]
        return super().score(items, call)

    def score_one(self, item: RewardItem, call: Call):
        """One item."""
        what = item.instruction
        if what == "print":
            print_everywhere("while judging")
        elif what == "read":
            return float(len(sys.stdin.read()) + len(subprocess.run(["cat"], capture_output=True, check=True).stdout))
        elif what == "raise":
            raise RuntimeError("this item is lost")
        elif what == "memory":
            raise MemoryError
        elif what == "refuse":
            raise Failure("will not judge this", kind="refused")
        elif what == "wait":
            print("waits", file=sys.stderr, flush=True)
            while not call.cancelled:
                time.sleep(0.005)
            call.check_cancelled()
        elif what == "sleep":
            print("sleeps", file=sys.stderr, flush=True)
            time.sleep(30)
        elif what == "meet":
            meeting.wait()
        elif what == "exit":
            sys.exit(3)
        elif what == "interrupt":
            os.kill(os.getpid(), 2)
        elif what == "nan part":
            return Judged(1.0, parts={"a": float("inf")})
        elif what == "bad part":
            return Judged(1.0, parts={"A b": 1.0})
        elif what == "same":
            return float(item.source is item.candidate)
        elif what == "thread":
            return float(threading.current_thread() is threading.main_thread())
        return float(len(item.candidate.bytes))

    def close(self) -> None:
        """Says goodbye."""
        print("closed")


def print_everywhere(when: str) -> None:
    """As libraries do."""
    print("print", when)
    os.write(1, f"C {when}\n".encode())
    subprocess.run(["echo", "child", when], check=True)
    print("error", when, file=sys.stderr)


if __name__ == "__main__":
    serve(OddReward)
