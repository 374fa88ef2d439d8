"""Figures of a page, made from the document that it shows; run in a process of their own."""

from typing import Any


def account_figures(account: dict[str, Any]) -> dict[str, str]:
    """Draw an account: ``equity``, HTML to be put into the page as it is; nothing where too short.

    Parameters
    ----------
    account : dict
        Its document, whose ``series`` has one value a night.
    """
    from cryptobt.jobs.page_figures import account_figure

    series = account.get("series") or {}
    drawn = account_figure(str(account["account"]), series) if series.get("time") else ""
    return {"equity": drawn} if drawn else {}


def compare_figures(comparison: dict[str, Any]) -> dict[str, str]:
    """Draw two runs on their dates in common: ``growth``; nothing where there is no line."""
    from cryptobt.jobs.page_figures import growth_figure

    series = comparison.get("series") or {}
    drawn = growth_figure(series) if series.get("time") else ""
    return {"growth": drawn} if drawn else {}
