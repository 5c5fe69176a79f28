"""`python -m editscale_diffusers`: the plugin, as editscale starts it."""

from editscale.plugins import serve

from .plugin import DiffusersEditor


def main() -> None:
    """Serves until the host says that it is enough."""
    serve(DiffusersEditor)


if __name__ == "__main__":
    main()
