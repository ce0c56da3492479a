"""Formats: bytes and paths in, frozen values and findings out.

Nothing here knows an event, a database, a key or a clock. Other archives can use these packages by themselves.
"""
