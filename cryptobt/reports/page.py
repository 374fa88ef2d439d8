"""The frame of every page: head, title, banner, footer; and how a figure stands in it."""

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from string import Template

from cryptobt.reports.canvas import Panel

SIMULATED = "SIMULATED MARKET — not real prices"


def framed(
    body: str,
    parts: Mapping[str, str],
    *,
    title: str,
    under: Iterable[str],
    simulated: bool,
    banner: str = "",
    css: str = "",
    command: str = "",
) -> str:
    """Fill a page's body, and set it in the frame that all pages share.

    Parameters
    ----------
    body : str
        Name of the template.
    parts : mapping
        What fills it: HTML, escaped already.
    title, under : str, iterable of str
        Heading, and the lines under it; escaped here.
    simulated : bool
        Whether the prices are not real: the name of the page says so.
    banner : str
        HTML across the top.
    css : str
        Name of a style sheet of its own, beside the shared one.
    command : str
        That repeats the run; escaped here.
    """
    again = f"<p>To repeat this run:</p>\n<pre><code>{escape(command)}</code></pre>\n"
    return Template(_part("frame.html")).substitute(
        css=_part("page.css") + (_part(css) if css else ""),
        page_title=escape(f"SIMULATED — {title}" if simulated else title),
        title=escape(title),
        under="".join(f'<p class="period">{escape(line)}</p>\n' for line in under),
        banner=banner,
        body=Template(_part(body)).substitute(parts),
        command=again if command else "",
    )


def banner_of(text: str) -> str:
    """Put words across the top of a page; nothing where there are none."""
    return f'<div class="simulated" role="alert">{text}</div>' if text else ""


def panels_html(panels: Iterable[Panel]) -> str:
    """Show figures with their captions, or why there is none."""
    return "".join(panel_html(panel) for panel in panels)


def panel_html(panel: Panel) -> str:
    """Show one figure with its caption, or why there is none."""
    kind = "panel wide" if panel.wide else "panel"
    heading = f"<h3>{escape(panel.title)}</h3>"
    if panel.absent:
        return f'<div class="{kind}">{heading}<p class="absent">{escape(panel.absent)}</p></div>'
    caption = f"<figcaption>{escape(panel.caption)}</figcaption>"
    return (
        f'<figure class="{kind}">{heading}<div class="drawing">{panel.svg}</div>{caption}</figure>'
    )


def _part(name: str) -> str:
    return (files("cryptobt.reports") / name).read_text(encoding="utf-8")
