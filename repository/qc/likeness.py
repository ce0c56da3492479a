"""Likeness (相似页, Q11): what a page looks like in 1,024 bits, and pages that were scanned twice.

The page is made level by its own skew and cropped to its writing before it is looked at, so that a second scan of the
same sheet - shifted, a little turned, grained otherwise - gives nearly the same bits. A bit says whether the ink grows
from one cell to the next; where there is no ink it says nothing, so that empty cells agree.
"""




ACROSS, DOWN = 32, 32
BITS = ACROSS * DOWN
