"""What every page of the project shares: one style, and one script that reads figures."""

from importlib.resources import files

_REPORTS = "cryptobt.reports"


def house_style() -> str:
    """The style sheet of all pages, light and dark, and of the figures in them."""
    return _read("page.css") + _read("figures.css")


def house_script() -> str:
    """The script that reads a figure date by date; a page is complete without it."""
    return _read("explore.js")


def _read(name: str) -> str:
    return (files(_REPORTS) / name).read_text(encoding="utf-8")
