"""Projections of the log: everything that a person searches, made again at will."""
