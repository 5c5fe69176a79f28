"""An editor of bytes: a picture is the beginning of a PNG and what was done to it, so that a test can read what that was."""

import time

from editscale.plugins import Call, Config, Cost, Edited, EditItem, Editor, EditorCard, Failure, Knob, Trajectory, Weights, serve

START = b"\x89PNG\r\n\x1a\n"
STEPS = 4


class OddEditor(Editor):
    """Makes steps that can be paused between."""

    def __init__(self) -> None:
        """Without a call of the base class's."""
        self.weights = "base"

    def load(self, config: Config) -> EditorCard:
        """Gets ready."""
        self.filling = config.whole("filling", 0)
        return EditorCard(
            revision="odd/1",
            seed_bits=53,
            pause="fork",
            sampler="stochastic",
            cancel="within_step",
            edits_candidates=True,
            knobs=[Knob("strength", 0.0, 1.0, 0.5), Knob("guidance", 1.0, 8.0, 2.0, scale="logarithmic")],
            adopts_adapters=True,
            cost=Cost(nfe=STEPS),
            largest_batch=8,
        )

    def edit_one(self, item: EditItem, call: Call):
        """The steps that are missing, from the state or from the start."""
        if item.instruction == "none":
            return None
        if item.instruction == "no picture":
            return b"GARBAGE"
        if item.instruction == "late":
            self.earlier.progress(0, 1, 1)
            self.earlier.preview(0, START)
        self.earlier = call
        if item.instruction == "bare":
            return START + b"bare"
        state = self.paused.of(item)
        notes = [] if state is not None or not item.path else ["made again"]
        state = state if state is not None else self.again(item)
        for step in range(len(state), item.until_step if item.until_step is not None else STEPS):
            while item.instruction == "wait" and not call.cancelled:
                time.sleep(0.005)
            call.check_cancelled()
            state = [*state, item.seed]
            call.progress(item, step + 1, STEPS)
            call.preview(item, START + f"preview {step + 1}".encode())
        if item.until_step is not None:
            self.paused.keep(item, state)
        told = f"{state} {dict(item.knobs)} {self.weights} {len(self.paused)}"
        return Edited(START + told.encode() + bytes(self.filling), Cost(nfe=len(state)), item.seed, notes, 1, 2, 3, 4, way(item))

    def again(self, item: EditItem) -> list[int]:
        """The state that the path leads to."""
        state: list[int] = []
        for proposal in item.path:
            state += [proposal.seed] * ((proposal.until_step or STEPS) - len(state))
        return state

    def adopt(self, weights: Weights) -> str:
        """Takes up any adapter but one."""
        if str(weights.path) == "/broken":
            raise Failure("the adapter /broken is broken", kind="invalid")
        self.weights = f"{weights.version} {weights.kind} {weights.path} {weights.scale}"
        return f"sum of {weights.version}"


def way(item: EditItem):
    """A trajectory, in the ways that people hold numbers."""
    shapes = {"plain way": [0.5] * 6, "bytes way": bytes(24), "short way": [0.5] * 5}
    latents = shapes.get(item.instruction)
    if item.instruction == "numpy way":
        import numpy

        return Trajectory(numpy.arange(6, dtype="f8").reshape(2, 1, 3), [1.0], [1.0, 0.0], [None])
    return None if latents is None else Trajectory(latents, [1.0], [1.0, 0.0], [-0.5], shape=[1, 3])


if __name__ == "__main__":
    serve(OddEditor)
