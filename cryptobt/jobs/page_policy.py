"""What a self-contained page may do when it is served: nothing but what our own pages need."""

from functools import cache

from cryptobt.reports.page import script_hash


@cache
def page_policy() -> str:
    """Content-Security-Policy of tearsheets and other pages of run folders.

    They stand in a sandbox, as a folder may come from someone else: a document of no origin, with
    its own styles and pictures, and of all scripts only the one that reads our figures.
    """
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src {script_hash('explore.js')}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox allow-scripts"
    )
