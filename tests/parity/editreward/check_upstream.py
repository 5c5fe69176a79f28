#!/usr/bin/env python3
"""Score the committed cases with the published EditReward code itself and compare.

The published code is not part of this project: clone TIGER-AI-Lab/EditReward (commit edb027e) and name the folder.
Its packages for training and plotting are replaced by empty stand-ins, its prompts by those of the model
directory; cases with another pixel budget are left out, for it knows one only.
"""

import argparse
import importlib
import importlib.machinery
import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import torch

from make_goldens import CASES, HOME
from official import OFFICIAL_BUDGET, PROMPT_NAMES, Official

UNUSED = "accelerate datasets fire matplotlib matplotlib.patches matplotlib.pyplot omegaconf pandas peft trl"
UNUSED += " torch.utils.tensorboard"
PROMPT_PLACES = {
    "instruction_following": "INSTRUCTION_EDIT_FOLLOWING",
    "visual_quality": "INSTRUCTION_EDIT_QUALITY",
    "tail": "prompt_with_special_token",
}


def import_upstream(checkout):
    """The two modules of the published code that score."""
    import transformers.trainer  # noqa: F401  It must look for packages before the stand-ins are there.

    for name in UNUSED.split():
        stand_in = MagicMock()
        stand_in.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = stand_in
    sys.modules["trl"].RewardTrainer = object
    sys.path.insert(0, str(checkout))
    names = ("EditReward.model.qwen2_5_vl_trainer", "EditReward.inference_edit")
    return tuple(importlib.import_module(name) for name in names)


def published_model(module, official):
    """Their model with our weights."""
    model = module.Qwen2_5_VLRewardModelBT_MultiHead(
        official.model.config,
        output_dim=2,
        special_token_ids=[official.reward],
        rm_head_type="ranknet_multi_head",
        pooling_strategy=None,
    )
    missing = model.float().eval().load_state_dict(official.model.state_dict(), strict=False).missing_keys
    assert missing == ["lm_head.weight"], missing
    # On a processor without CUDA their autocast does not make f32 of what the heads read.
    for head in model.rm_heads.values():
        head.register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))
    return model


def published_batch(module, official, folder, pairs, pictures_at):
    """What their code makes of the pairs."""
    for name, place in PROMPT_PLACES.items():
        setattr(module, place, (folder / "prompts" / f"{name}.txt").read_bytes().decode())
    inferencer = object.__new__(module.EditRewardInferencer)
    inferencer.processor, inferencer.device = official.processor, "cpu"
    inferencer.use_special_tokens, inferencer.rm_head_type = True, "ranknet_multi_head"
    sides = [[str(pictures_at / pair[side]) for pair in pairs] for side in ("source", "edited")]
    return inferencer.prepare_batch(*sides, [pair["instruction"] for pair in pairs])


def same_tokens(batch, pairs):
    """Whether their batch holds the committed token ids."""
    for place, prompt in zip(("batch_dim1", "batch_dim2"), PROMPT_NAMES):
        for ids, mask, pair in zip(batch[place]["input_ids"], batch[place]["attention_mask"], pairs):
            if ids[mask.bool()].tolist() != pair["prompts"][prompt]["ids"]:
                return False
    return True


@torch.no_grad()
def away(model, batch, pairs, mode):
    """The largest difference from the committed scores of a mode."""
    results = model(return_dict=True, **batch)
    wanted = [[pair["scores"][mode][prompt] for pair in pairs] for prompt in PROMPT_NAMES]
    return (torch.stack(results) - torch.tensor(wanted)).abs().max().item()


def check(case, modules):
    """Compare one case; tell the differences by mode."""
    folder = HOME / "models" / CASES[case][0]
    official = Official(folder)
    if official.budget != OFFICIAL_BUDGET:
        return None
    pairs = json.loads((HOME / "cases" / case / "case.json").read_text(encoding="utf-8"))["pairs"]
    batch = published_batch(modules[1], official, folder, pairs, HOME / "cases" / case)
    if not same_tokens(batch, pairs):
        return {"tokens": float("inf")}
    model = published_model(modules[0], official)
    found = {"exact": away(model, batch, pairs, "exact")}
    model.model.language_model.rotary_emb.to(torch.bfloat16)
    model.model.visual.rotary_pos_emb.to(torch.bfloat16)
    found["official"] = away(model, batch, pairs, "official")
    model.to(torch.bfloat16).rm_heads.float()
    return found | {"bf16": away(model, batch, pairs, "bf16")}


def main():
    """Read the command line and check every case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", required=True, type=Path, help="a clone of TIGER-AI-Lab/EditReward")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    modules, worst = import_upstream(arguments.upstream), 0.0
    for case in CASES:
        found = check(case, modules)
        print(case, found or "left out: another pixel budget", flush=True)
        # The bf16 run depends on the processor.
        worst = max(worst, *(value for mode, value in (found or {"none": 0.0}).items() if mode != "bf16"), 0.0)
    sys.exit(worst > 1e-5)


if __name__ == "__main__":
    main()
