"""Adapters of the recipe and of a trainer: they change pictures, and what was before comes back to the bit."""

import make_tiny
import pytest
from hosting import item

CLASSES = ("StableDiffusionInstructPix2PixPipeline", "FluxKontextPipeline", "QwenImageEditPipeline")


@pytest.fixture(scope="module")
def adapters(tiny, tmp_path_factory):
    """A function that writes an adapter for a class."""
    pytest.importorskip("peft")
    root = tmp_path_factory.mktemp("adapters")

    def write(name, seed=1):
        folder = root / f"{name}-{seed}"
        return folder if folder.exists() else make_tiny.make_adapter(name, tiny(name)["model"], folder, seed)

    return write


@pytest.mark.parametrize("name", CLASSES)
def test_adopting_changes_pictures_and_going_back_restores_them(name, hosts, adapters):
    host = hosts(name)
    before = host.pixels(item())[0]
    first = host.adopt({"adapter": str(adapters(name))})["adopted"]["weights"]["checksum"]
    changed = host.pixels(item())[0]
    second = host.adopt({"adapter": str(adapters(name, 2))})["adopted"]["weights"]["checksum"]
    again = host.pixels(item())[0]
    assert len({before, changed, again}) == 3
    assert first != second
    assert host.adopt({"adapter": str(adapters(name))})["adopted"]["weights"]["checksum"] == first
    assert host.pixels(item())[0] == changed
    assert "adopted" in host.adopt("base")
    assert host.pixels(item())[0] == before


def test_a_broken_adapter_leaves_the_earlier_one_in_force(hosts, adapters, tmp_path):
    name = CLASSES[0]
    host = hosts(name)
    host.adopt({"adapter": str(adapters(name))})
    before = host.pixels(item())[0]
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    for bad in (tmp_path / "broken.safetensors", tmp_path / "missing.safetensors"):
        assert "broken" in str(host.adopt({"adapter": str(bad)})) or "no adapter" in str(host.adopt({"adapter": str(bad)}))
    assert host.pixels(item())[0] == before
    assert "failed" in host.adopt({"checkpoint": str(tmp_path)})
    host.adopt("base")


def test_adapters_of_the_recipe(tiny, hosts, adapters, host_for):
    name = CLASSES[1]
    plain = hosts(name)
    host = host_for({**tiny(name), "lora": [{"path": str(adapters(name)), "scale": 0.7}]})
    card = host.ready()
    assert card["revision"] != plain.card["revision"]
    assert "+lora:" in card["revision"]
    ours = host.pixels(item())[0]
    assert ours != plain.pixels(item())[0]
    host.adopt({"adapter": str(adapters(name, 2))})
    assert host.pixels(item())[0] != ours
    host.adopt("base")
    assert host.pixels(item())[0] == ours
