"""From rollouts to training batches, and the lines of Python that README.md shows for it.

usage: trainer.py DIR
DIR was written by `editscale run … --out DIR`. Needs `plugins/python-sdk` with pillow, installed or on PYTHONPATH.
"""

import contextlib
import io
import math
import os
import pathlib
import re
import sys
import tempfile
import traceback

from editscale.rollouts import Position, Rollouts, Stream, diffusion_nft, flow_grpo, pairs, summary, view, weighted

root = pathlib.Path(__file__).resolve().parents[2]
directory = pathlib.Path(sys.argv[1]).resolve()
rollouts = Rollouts(directory, pictures=True)
found = summary(directory)


def the_run_is_finished_and_counted():
    """Every shard is there, and the summary agrees with what is read."""
    assert found["state"] == "finished", found
    assert found["groups"] > 0
    assert found["groups"] == sum(1 for _ in rollouts.with_selection(flat=True, unscored=True, min_candidates=1))


def readme_lines_work():
    """The lines of README.md that read rollouts, in a folder where they lie under the name that it uses."""
    shown = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = [lines for lines in shown if "editscale.rollouts" in lines]
    assert shown, "README.md shows no lines that read rollouts"
    with tempfile.TemporaryDirectory() as desk, contextlib.chdir(desk):
        os.symlink(directory, "rollouts")
        for lines in shown:
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                exec(lines, {})
            assert said.getvalue().strip(), f"nothing was printed by\n{lines}"


def a_batch_has_a_row_for_each_candidate():
    """Black-box batches hold whole groups, with advantages that compare within them."""
    rows = 0
    for batch in diffusion_nft(rollouts, groups_at_once=2, tensors="numpy"):
        rows += len(batch.candidates)
        assert len(batch["advantages"]) == len(batch["optimality"]) == len(batch.candidates) == len(batch.groups)
        assert all(candidate.image().size == candidate.source().size for candidate in batch.candidates)
        for group in set(batch.groups.tolist()):
            assert abs(float(batch["advantages"][batch.groups == group].mean())) < 1e-5
    assert rows > 0


def advantages_can_be_computed_again():
    """As the recipe's `grpo` has computed them."""
    again = Rollouts(directory, advantage="grpo")
    for written, computed in zip(Rollouts(directory).candidates(), again.candidates(), strict=True):
        assert math.isclose(written.advantage, computed.advantage, abs_tol=1e-9), (written, computed)


def pairs_and_weights_follow_the_rewards():
    """The chosen picture has the higher reward, and weights of a group have mean 1."""
    assert all(pair.chosen.reward > pair.rejected.reward for pair in pairs(rollouts, "best_worst"))
    weights = [item.weight for item in weighted(rollouts, temperature=0.1)]
    assert math.isclose(sum(weights) / len(weights), 1.0, rel_tol=1e-9)
    for name in ("pairs", "best_worst", "sft"):
        if (directory / "views" / name).is_dir():
            assert sum(1 for _ in view(directory, name)) > 0, name


def a_stream_goes_on_where_it_stopped():
    """Two halves are the whole, and the end of the run is seen."""
    whole = [group.rollout_id for group in rollouts]
    stream, seen = Stream(rollouts, idle_secs=60), []
    for group in stream:
        seen.append(group.rollout_id)
        if len(seen) * 2 >= len(whole):
            break
    seen += [group.rollout_id for group in Stream(rollouts, position=Position.of_json(stream.position.to_json()), idle_secs=60)]
    assert seen == whole


def trajectories_become_steps():
    """Where the editor kept its way, each step has latents before and after it and a density."""
    if not found["with_trajectory"]:
        return
    for batch in flow_grpo(rollouts, tensors="numpy"):
        assert batch["latents"].shape == batch["next_latents"].shape
        assert batch["log_probs"].shape == batch["timesteps"].shape == batch["advantages"].shape


passed = failed = 0
for check in (
    the_run_is_finished_and_counted,
    readme_lines_work,
    a_batch_has_a_row_for_each_candidate,
    advantages_can_be_computed_again,
    pairs_and_weights_follow_the_rewards,
    a_stream_goes_on_where_it_stopped,
    trajectories_become_steps,
):
    try:
        check()
        passed += 1
    except Exception:
        failed += 1
        print(f"{check.__name__}:", file=sys.stderr)
        traceback.print_exc()
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
