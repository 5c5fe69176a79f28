"""What Python programs use with editscale: `editscale.plugins` to write rewards and editors, `editscale.rollouts` to read rollouts."""

__version__ = "0.1.0"
