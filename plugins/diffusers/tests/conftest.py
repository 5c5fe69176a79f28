"""Tiny pipelines, and plugins that have them loaded: one a class, for all tests of a run."""

import contextlib

import diffusers
import make_tiny
import pytest
from hosting import Host

EDITORS = (
    "StableDiffusionInstructPix2PixPipeline",
    "FluxKontextPipeline",
    "FluxKontextInpaintPipeline",
    "QwenImageEditPipeline",
    "QwenImageEditPlusPipeline",
    "OmniGenPipeline",
    "Flux2KleinPipeline",
)
BATCH = 3


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A function that writes a tiny pipeline of a class, once, and gives what a recipe sets for it."""
    root, made = tmp_path_factory.mktemp("tiny"), {}

    def write(name):
        if name not in made:
            if not hasattr(diffusers, name):
                pytest.skip(f"diffusers {diffusers.__version__} has no {name}")
            made[name] = make_tiny.make(name, root / name)
        return dict(made[name])

    return write


@pytest.fixture(scope="session")
def hosts(tiny, tmp_path_factory):
    """A function that gives the plugin with a class loaded; it is started once."""
    with contextlib.ExitStack() as stack:
        started = {}

        def start(name):
            if name not in started:
                config = {**tiny(name), "largest_batch": BATCH, "preview_every": 2}
                host = stack.enter_context(Host(config, tmp_path_factory.mktemp("spool")))
                host.ready()
                started[name] = host
            return started[name]

        yield start


@pytest.fixture
def host_for(tmp_path):
    """A function that starts the plugin for one test."""
    with contextlib.ExitStack() as stack:
        yield lambda config, **options: stack.enter_context(Host(config, tmp_path, **options))


@pytest.fixture(params=EDITORS)
def host(request, hosts):
    """The plugin with each class in turn."""
    return hosts(request.param)
