"""Figures for pages whose policy allows no style inside a tag: classes say what attributes said."""

import re

_PLOT = re.compile(r'class="plot" style="height:(\d+)px;--left:(\d+)px"')
_WORDS = re.compile(r' style="fill:var\(--([\w-]+)\)"')
_KEY = re.compile(r'<i style="background:var\(--([\w-]+)\)">')


def classed(drawn: str) -> str:
    """Turn the style attributes of a figure into classes that a page's style sheet names.

    ``high-260`` is a height and ``left-58`` the room of the y axis, in pixels; ``fill-red`` colours
    words and ``shade-red`` a mark of the key, with a variable of the shared style sheet.
    """
    drawn = _PLOT.sub(r'class="plot high-\1 left-\2"', drawn)
    return _KEY.sub(r'<i class="shade-\1">', _WORDS.sub(r' class="fill-\1"', drawn))
