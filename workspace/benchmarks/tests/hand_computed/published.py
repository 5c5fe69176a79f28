"""Writes published.json: what EditReward's published code says of synthetic scores.

    python published.py EVAL_BENCH > published.json

EVAL_BENCH is EditReward/evaluate/eval_bench.py of TIGER-AI-Lab/EditReward at edb027e, whose functions are run as they are, with a
stand-in for the model. Needs numpy and scipy. The test suite reads published.json alone.
"""

import contextlib
import gc
import io
import json
import math
import os
import sys
import tempfile
from collections import defaultdict
from itertools import combinations

import numpy
import scipy
from scipy.stats import spearmanr

RANKINGS = {
    2: ["A>B", "B>A", "A=B=Good", "A<B", "A=B", "A=B=Bad"],
    3: ["A>B>C", "C>A>B", "B>A>C", "B>C>A", "A>B=C", "C>B>A"],
    4: ["A>B>C>D", "D>C>B>A", "B>D>A>C", "C>A>D>B", "A>C>B>D"],
}


class Number(float):
    def item(self):
        return float(self)


class Judge:
    """Answers with the score that the path of the picture spells."""

    def reward(self, prompts, image_src, image_paths):
        return [[Number(path)] for path in image_paths]


class Torch:
    no_grad = contextlib.nullcontext

    class cuda:
        empty_cache = staticmethod(lambda: None)


def upstream(path):
    text = open(path, encoding="utf-8").read()
    body = text[text.index("def suff_stats") : text.index("def main(args)")]
    names = dict(os=os, json=json, torch=Torch, gc=gc, math=math, np=numpy, combinations=combinations)
    names.update(defaultdict=defaultdict, spearmanr=spearmanr, tqdm=lambda items, **_: items, print=lambda *_, **__: None)
    exec(body, names)
    return names


def groups():
    for size, rankings in RANKINGS.items():
        for number in range(36):
            ranking = rankings[number % len(rankings)]
            scores = []
            for candidate in range(size):
                place = ranking.index("ABCD"[candidate]) // 2
                bent = (number * 7 + candidate * 13 + size * 3) * 11 % 17 / 4
                scores.append(bent - (1.5 * place if number % 3 else 0.0))
            yield dict(ranking=ranking, scores=scores)


def pairs(seed):
    for number in range(40):
        human = [-1, 0, 1][(number * number + seed * number) % 7 % 3]
        yield dict(human=human, margin=((number * 37 + seed) % 23 - 11) / 4)


def rated():
    for number in range(60):
        model, instruction = "model %d" % (number % 4), "instruction %d" % (number // 5)
        rating = (number * 29 + 7) % 11 / 2
        score = rating * 0.5 + (number * 53 + 3) % 17 / 6
        yield dict(model=model, instruction=instruction, score=score, rating=rating)


def of_groups(names, data, folder):
    for size in RANKINGS:
        items = [
            dict(prompt="p", path_src="s", paths_generated=[repr(score) for score in each["scores"]],
                 human_vote=dict(ranking=each["ranking"], preference=each["ranking"]))
            for each in data if len(each["scores"]) == size
        ]
        json.dump(items, open("%s/EditReward_Bench_%dpair.json" % (folder, size), "w"))
    out = folder + "/x_accuracy.json"
    names["evaluate_edit_reward_bench"](Judge(), io.StringIO(), out, folder)
    return json.load(open(out))


def of_ratings(names, data, folder):
    path = folder + "/rated.json"
    items = [
        dict(instruction=each["instruction"], prompt=each["instruction"], input_path="s", input="s", score=each["rating"],
             output_path=repr(each["score"]), gen=repr(each["score"]), model=each["model"])
        for each in data
    ]
    json.dump(items, open(path, "w"))
    found = {}
    for name, function in [
        ("imagenhub", "evaluate_imagenhub_from_json"),
        ("imagenhub_v2", "evaluate_imagenhub_from_json_v2"),
        ("aurora_pointwise", "evaluate_aurora_from_json_pointwise"),
    ]:
        names[function](path, Judge(), io.StringIO(), folder + "/out.json")
        found[name] = json.load(open(folder + "/out.json"))
    return found


def of_pairs(names, seed):
    data = list(pairs(seed))
    human, margins = [each["human"] for each in data], [each["margin"] for each in data]
    values = dict(with_ties=names["calc_accuracy_with_ties"](human, margins),
                  without_ties=names["calc_accuracy_without_ties"](human, margins))
    return dict(pairs=data, published=values)


def main():
    names = upstream(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        all_groups, all_rated = list(groups()), list(rated())
        written = dict(
            source="TIGER-AI-Lab/EditReward at edb027e, EditReward/evaluate/eval_bench.py; numpy %s, scipy %s"
            % (numpy.__version__, scipy.__version__),
            groups=dict(groups=all_groups, published=of_groups(names, all_groups, folder)),
            pairs=[of_pairs(names, seed) for seed in (1, 2, 5, 8)],
            rated=dict(rated=all_rated, published=of_ratings(names, all_rated, folder)),
        )
    print(json.dumps(written))


if __name__ == "__main__":
    main()
