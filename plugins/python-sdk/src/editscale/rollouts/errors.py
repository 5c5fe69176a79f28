"""What can go wrong with a directory of rollouts."""


class RolloutError(ValueError):
    """A directory, a file or a group is not what it should be; the message names it, with what was expected and found."""


class StaleGroupError(RolloutError):
    """A group was made by weights that are older than the trainer allows."""


class IdleError(RolloutError):
    """Nothing new came for as long as the caller was willing to wait."""
