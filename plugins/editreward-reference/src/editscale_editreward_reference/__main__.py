"""Runs the plugin: `python -m editscale_editreward_reference`."""

from . import EditRewardReference, serve


def main() -> None:
    """Serves the reward."""
    serve(EditRewardReference)


if __name__ == "__main__":
    main()
