"""What a form may hold."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from werkzeug.exceptions import UnprocessableEntity

FIELD = "field:"
"""What the names of the form's fields begin with."""
LONGEST_VALUE = 100
LONGEST_NAME = 200
MOST_FIELDS = 300


def edits_of(form: Mapping[str, str]) -> dict[str, str | float]:
    """Read the fields of a bar as they were typed.

    Raises
    ------
    UnprocessableEntity
        If one is longer than any number, or there are more than any bar has.
    """
    if len(form) > MOST_FIELDS:
        raise UnprocessableEntity(f"The form has {len(form):,} fields; send those of the page.")
    edits: dict[str, str | float] = {}
    for key, value in form.items():
        name = key.removeprefix(FIELD)
        if name == key:
            continue
        if len(value) > LONGEST_VALUE or len(name) > LONGEST_NAME:
            raise UnprocessableEntity(
                f"A field of the form has {max(len(value), len(name)):,} letters; "
                "write a number such as 55.2."
            )
        edits[name] = value.strip()
    return edits


def local(address: str) -> str:
    """Give an address of this server to go on to; empty where it leads anywhere else."""
    try:
        parts = urlsplit(address.replace("\\", "/"))
    except ValueError:
        return ""
    own = not parts.scheme and not parts.netloc and address.startswith("/")
    clean = own and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if clean else ""
