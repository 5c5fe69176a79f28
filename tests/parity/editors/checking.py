"""Whether folders of reference values that were made anew are as those that are committed."""

from safetensors.torch import load_file


def differences(made, kept, shares, is_passed_over=lambda name: False):
    """What two folders disagree about, but for files whose names are passed over.

    Tensors may differ by a share of their greatest number: `shares` has it by the last part of their names; others may not.
    """
    new, old = files(made), files(kept)
    yield from (f"{name} is in one of the two only" for name in sorted(old.keys() ^ new.keys()))
    for name in sorted(name for name in old.keys() & new.keys() if not is_passed_over(name)):
        if name.endswith(".safetensors"):
            yield from tensor_differences(name, load_file(new[name]), load_file(old[name]), shares)
        elif new[name].read_bytes() != old[name].read_bytes():
            yield f"{name} differs"


def files(home):
    """All files below `home`, by their places in it."""
    return {str(path.relative_to(home)): path for path in sorted(home.rglob("*")) if path.is_file()}


def tensor_differences(file, made, kept, shares):
    """Which tensors of two files differ by more than they may."""
    yield from (f"{file}: {name} is in one of the two only" for name in sorted(made.keys() ^ kept.keys()))
    for name in sorted(made.keys() & kept.keys()):
        new, old = made[name].double(), kept[name].double()
        if new.shape != old.shape:
            yield f"{file}: {name} has shape {tuple(new.shape)}, not {tuple(old.shape)}"
            continue
        off = (new - old).abs().max().item()
        if off > shares.get(part_of(name), 0.0) * new.abs().max().item():
            yield f"{file}: {name} is off by {off}"


def part_of(name):
    """What a tensor is, of a name such as `0.velocity` or `hidden.0`."""
    return next((part for part in name.split(".") if not part.isdigit()), name)
