"""Data movement between Microsoft Azure and Lytics, from a terminal."""

__version__ = "0.1.0"
