"""Copies (利用副本): what is made from a record to be looked at or listened to - pages as PDF, pictures, sound, film.

What is decoded may be hostile, so it is decoded in a process of its own, within limits of memory and time: a file that
brings the decoder down takes one request with it and nothing else.
"""

from repository.copies.copyist import Copying, Original, make_copies

__all__ = ["Copying", "Original", "make_copies"]
