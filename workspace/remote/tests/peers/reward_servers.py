"""Runs a public project's own reward server with a stand-in for its model: how bright the candidate is, from 0 to 1.

    python reward_servers.py flow_factory|unirl|deqa SOURCES PORT

SOURCES holds clones called Flow-Factory, UniRL and reward-server. Everything that reads requests and writes answers is
theirs; only the weights are not there. A candidate whose instruction is `fail` scores NaN where the server has instructions.
"""

import pathlib
import sys
import types

import uvicorn
from PIL import Image, ImageStat

which, sources, port = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])


def bright(image: Image.Image, text: str = "") -> float:
    return float("nan") if text == "fail" else ImageStat.Stat(image.convert("L")).mean[0] / 255


if which == "flow_factory":
    sys.path.insert(0, str(sources / "Flow-Factory/reward_server"))
    from example_server import RewardServer

    class Bright(RewardServer):
        def compute_reward(self, prompt, image=None, video=None, condition_images=None, condition_videos=None):
            assert len(condition_images) == len(image) == len(prompt)
            return [bright(one, text) for one, text in zip(image, prompt)]

    Bright(host="127.0.0.1", port=port).run()
elif which == "unirl":
    sys.path.insert(0, str(sources / "UniRL/unirl-reward-service"))

    class WorkerPool:
        """Their pool of Ray actors, of which there is one here, in this thread."""

        def __init__(self, cfg):
            pass

        def has_reward(self, name):
            return name in ("editreward", "broken")

        def reward_names(self):
            return ["editreward", "broken"]

        def dispatch(self, name, items):
            return name, items

        async def as_awaitable(self, ref):
            name, items = ref
            if name == "broken":
                raise ValueError("this reward is broken")
            for item in items:
                assert len(item.history) == 2
            return [
                {"edit_following": bright(item.history[-1][1], item.history[-1][0]), "edit_quality": 0.5} for item in items
            ]

        def health(self):
            return {}

        def shutdown(self):
            pass

    pool = types.ModuleType("reward_service.workers.pool")
    pool.WorkerPool = WorkerPool
    sys.modules["reward_service.workers"] = types.ModuleType("reward_service.workers")
    sys.modules["reward_service.workers.pool"] = pool
    from reward_service.server import create_app

    server = types.SimpleNamespace(host="127.0.0.1", port=port, score_timeout_s=30)
    uvicorn.run(create_app(types.SimpleNamespace(server=server)), host="127.0.0.1", port=port)
else:
    sys.path.insert(0, str(sources / "reward-server"))
    deqa = types.ModuleType("reward_server.deqa")
    deqa.load_deqascore = lambda: lambda images: [bright(image) for image in images]
    sys.modules["reward_server.deqa"] = deqa
    from app_deqa import create_app

    create_app().run("127.0.0.1", port)
