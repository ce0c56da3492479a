"""Characterisation (特征提取): what a file says of itself, read by kept libraries in a process that may die of it."""

from repository.characterisation.characteriser import Asked, Characteriser

__all__ = ["Asked", "Characteriser"]
