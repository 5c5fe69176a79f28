"""What Python programs use with editscale: readers of rollouts in `editscale.rollouts`."""

__version__ = "0.1.0"
