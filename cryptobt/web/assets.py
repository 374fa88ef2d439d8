"""Files that every page asks for: one style sheet, one script, one icon; nothing else is served."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from cryptobt.jobs.house import house_script, house_style


@dataclass(frozen=True)
class Asset:
    """A file as a browser gets it.

    Attributes
    ----------
    content : bytes
        All of it.
    mimetype : str
        What it is.
    etag : str
        Hash of the content: an address that carries it may be kept for ever.
    """

    content: bytes
    mimetype: str
    etag: str


@cache
def asset(filename: str) -> Asset | None:
    """Give a file by its name; None where there is no such file."""
    if filename not in _MADE:
        return None
    mimetype, make = _MADE[filename]
    content = make().encode()
    return Asset(content, mimetype, hashlib.sha256(content).hexdigest()[:16])


def _read(filename: str) -> str:
    return (files("cryptobt.web") / "static" / filename).read_text(encoding="utf-8")


# The house's own parts come first: what is particular to these pages is said over them.
_MADE: dict[str, tuple[str, Callable[[], str]]] = {
    "page.css": ("text/css", lambda: house_style() + _read("serve.css")),
    "page.js": ("text/javascript", lambda: house_script() + _read("serve.js")),
    "icon.svg": ("image/svg+xml", lambda: _read("icon.svg")),
}
