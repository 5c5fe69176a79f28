"""Directories that tests share."""

import pytest


@pytest.fixture
def writer(tmp_path):
    """A writer of an empty directory."""
    from writing import Writer  # tests of plugins need none of its packages

    return Writer(tmp_path / "rollouts")


@pytest.fixture
def kontext(writer):
    """Three groups with trajectories in two shards, one of them flat."""
    from writing import group, trajectory

    ways = lambda row, count: [trajectory(10 * row + number) for number in range(count)]  # noqa: E731
    writer.shard(group(0, [0.1, 0.5, 0.9], ways=ways(0, 3)), group(1, [0.4, 0.4, 0.4], ways=ways(1, 3)))
    writer.shard(group(2, [1.0, 3.0], ways=ways(2, 2)))
    writer.state("finished")
    return writer
