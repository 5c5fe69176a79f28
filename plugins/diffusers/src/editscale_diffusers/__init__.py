"""Editing pipelines of diffusers as editors of editscale: any class by its name, in a process of its own."""

__version__ = "0.1.0"
