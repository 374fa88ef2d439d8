"""Make an SVG document part of an HTML page: no clashing ids, no metadata, few digits."""

import html
import re
from collections.abc import Mapping

_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
# Its rule for every element would hold for the whole page; the style sheet says it of the figure.
_STYLE = re.compile(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", re.DOTALL)
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_ID = re.compile(r' id="([^"]*)"')
_ID_OR_USE = re.compile(r'( id="|xlink:href="#|url\(#)([^")]*)')
_PATH = re.compile(r' d="([^"]*)"')
_LONG_NUMBER = re.compile(r"(?<=\.\d)\d+")
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_NEEDLESS = re.compile(r'\s+(?:width|height|version|xmlns|xmlns:xlink)="[^"]*"')


def inline_svg(
    document: str, prefix: str, label: str, variables: Mapping[str, str] | None = None
) -> str:
    """Turn an SVG file made by matplotlib into an element of a page that many figures share.

    Parameters
    ----------
    document : str
        The whole SVG file.
    prefix : str
        Put before every id, so that ids of different figures cannot meet.
    label : str
        Text for readers who cannot see the figure.
    variables : mapping, optional
        Colours as ``#rrggbb`` that become variables of the page's style sheet.
    """
    body = document[document.index("<svg") :]
    body = _STYLE.sub("", _METADATA.sub("", body))
    body = _GROUP_ID.sub("<g", body)
    body = _renumber(body, prefix)
    if variables:
        body = _COLOUR.sub(lambda found: _shade(found[0], variables), body)
    # A tenth of a point is finer than a screen, and saves a third of the page.
    return _opening_tag(_PATH.sub(_shorter_path, body), label)


def _renumber(body: str, prefix: str) -> str:
    """Name ids by their order: matplotlib hashes last bits that its layout does not repeat."""
    names = dict.fromkeys(_ID.findall(body))
    numbers = {name: f"{prefix}-{number}" for number, name in enumerate(names)}
    return _ID_OR_USE.sub(lambda found: found[1] + numbers.get(found[2], found[2]), body)


def _shade(found: str, variables: Mapping[str, str]) -> str:
    return f"var(--{variables[found]})" if found in variables else found


def _shorter_path(path: re.Match[str]) -> str:
    points = _LONG_NUMBER.sub("", " ".join(path[1].split()))
    return f' d="{points}"'


def _opening_tag(body: str, label: str) -> str:
    tag, rest = body.split(">", 1)
    said = html.escape(label)
    tag = _NEEDLESS.sub("", tag).replace("<svg", f'<svg role="img" aria-label="{said}"', 1)
    return f"{tag}>{rest}"
