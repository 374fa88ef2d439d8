"""What is known of code that looks ahead: how sure a shape is, and how each is mended."""

from typing import NamedTuple

SURE, BROAD, VAGUE = 1, 2, 3
"""How much a shape says by itself: it looks ahead; it may, where it sees a whole series; hardly
anything."""


class Shape(NamedTuple):
    """What a piece of code does, and what to do instead.

    Attributes
    ----------
    sure : int
        ``SURE``, ``BROAD`` or ``VAGUE``.
    """

    sure: int
    mend: str


GENERIC = Shape(VAGUE, "compute each row from the rows up to it alone")

BACKWARD = Shape(SURE, "shift by a positive number of bars: a negative one brings later rows back")
CENTRED = Shape(SURE, "leave center=True out, so that the window ends at the row")
BACKFILL = Shape(SURE, "fill forward (ffill), or leave what is missing empty, instead of back")
INTERPOLATE = Shape(
    SURE, "fill forward (ffill) instead of interpolating: the far side of a gap is not known yet"
)
REVERSED = Shape(SURE, "do not reverse the series: a running value of it comes from later rows")
SMOOTHER = Shape(
    SURE, "use a filter that runs forward alone (ewm, lfilter, a rolling mean) on rows up to t"
)
NEAREST = Shape(SURE, 'join with direction="backward", so that no later row is matched')
SAME = Shape(SURE, 'convolve with mode="full" and keep the first rows, so that kernels trail')
AHEAD = Shape(SURE, "read the row itself and earlier ones: this index is one that comes later")
AFTER = Shape(VAGUE, "use, for each window, the rows up to its own end: later ones are there too")
LAST = Shape(BROAD, "divide by, or compare with, the current row's value, not the last row's")
WHOLE = Shape(BROAD, "use an expanding() or rolling() window in place of a statistic over all rows")
FITTED = Shape(
    BROAD, "fit on an expanding past alone, and apply it to the rows after: not fit to all rows"
)
RANKED = Shape(BROAD, "rank within an expanding() or rolling() window, not within all rows")
GROUPED = Shape(
    BROAD, "use an expanding statistic within each group: later years are in the group's own"
)
RESAMPLED = Shape(
    BROAD, "join longer periods only once they are complete: shift(1) them before the join"
)
KEPT = Shape(BROAD, "key what is kept by a hash of the data it was made from, or do not keep it")
READ = Shape(
    BROAD, "join the file by the time at which each row was published, a period or more after it"
)
LINE_AHEAD = Shape(SURE, "read [0] and older bars ([-1]): [1] is a bar that has not been yet")
WHOLE_LINE = Shape(
    SURE, "read single values by [0] and [-n]: the array of a line holds all bars to come"
)
CHEAT = Shape(SURE, "leave it out: orders fill at the open of the next bar")
BARS_TO_COME = Shape(BROAD, "do not ask how many bars are to come, or which symbols last longest")
LINE_SOMEWHERE = Shape(
    BROAD, "read [0] and older bars ([-n]) alone: a positive place is a bar that has not been yet"
)
REMEMBERED = Shape(VAGUE, "keep nothing from one call to the next but what fit has learnt")
ALL_WINDOWS = Shape(
    BROAD, "use each window's own rows alone, and what fit learnt: not statistics of all windows"
)
