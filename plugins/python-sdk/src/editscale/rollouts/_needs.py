"""The packages that rollouts are read with, which plugins do not need."""

from importlib.util import find_spec

PACKAGES = {"numpy": "NumPy", "pyarrow": "PyArrow"}


def check_packages() -> None:
    """Says what to install where something is missing."""
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        names = " and ".join(PACKAGES[package] for package in missing)
        raise ModuleNotFoundError(
            f"editscale.rollouts reads with {names}, not installed here: install this package with its extra `rollouts`, as in "
            'pip install "./plugins/python-sdk[rollouts]"',
            name=missing[0],
        )
