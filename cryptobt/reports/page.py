"""The frame of every page: head, title, banner, footer; and how a figure stands in it."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape
from importlib.resources import files
from string import Template

from cryptobt.reports.canvas import Panel

SIMULATED = "SIMULATED MARKET — not real prices"
_HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>', re.DOTALL)


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
    foot: str = "",
    script: str = "",
    contents: bool = False,
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
    foot : str
        HTML at the bottom, before the command.
    script : str
        Name of a script file; the page is to be complete without it. A browser runs it alone: the
        page's policy names its hash, and lets nothing be loaded.
    contents : bool
        Whether links to the sections stand under the heading.
    """
    filled = Template(_part(body)).substitute(parts)
    code = _stripped(_part(script)) if script else ""
    again = f"<p>To repeat this run:</p>\n<pre><code>{escape(command)}</code></pre>\n"
    return Template(_part("frame.html")).substitute(
        css=_part("page.css") + _part("figures.css") + (_part(css) if css else ""),
        page_title=escape(f"SIMULATED — {title}" if simulated else title),
        title=escape(title),
        under="".join(f'<p class="period">{escape(line)}</p>\n' for line in under),
        banner=banner,
        body=filled,
        contents=_contents(filled) if contents else "",
        foot=foot,
        command=again if command else "",
        allowed=script_hash(script) if script else "'none'",
        script=f"<script>{code}</script>\n" if code else "",
    )


def script_hash(script: str) -> str:
    """Name a script of ours, by its file, as a page's policy names what may run in it."""
    return f"'sha256-{_digest(_stripped(_part(script)))}'"


def _contents(body: str) -> str:
    """Link to every section of a page."""
    links = "".join(f'<li><a href="#{at}">{text}</a></li>' for at, text in _HEADING.findall(body))
    return f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n'


def _digest(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _stripped(code: str) -> str:
    """Take away what indents the lines of a script, and the lines that are comments."""
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("/*"))


def banner_of(text: str) -> str:
    """Put words across the top of a page; nothing where there are none."""
    return f'<div class="simulated" role="alert">{text}</div>' if text else ""


def panels_html(panels: Iterable[Panel]) -> str:
    """Show figures with their captions, or why there is none."""
    return "".join(panel_html(panel) for panel in panels)


def merged(panels: Sequence[Panel]) -> list[Panel]:
    """Make one of figures that follow each other and are absent for the same reason."""
    found: list[Panel] = []
    for panel in panels:
        if found and panel.absent and found[-1].absent == panel.absent:
            found[-1] = replace(found[-1], title=f"{found[-1].title}; {panel.title}", wide=True)
        else:
            found.append(panel)
    return found


def panel_html(panel: Panel) -> str:
    """Show one figure with its caption, or why there is none.

    A figure made by matplotlib keeps its shape: where the page is narrow it scrolls by itself.
    """
    kind = "panel wide" if panel.wide else "panel"
    heading = f"<h3>{escape(panel.title)}</h3>"
    if panel.absent:
        return f'<div class="{kind}">{heading}<p class="absent">{escape(panel.absent)}</p></div>'
    caption = f"<figcaption>{escape(panel.caption)}</figcaption>"
    rigid = panel.svg.startswith("<svg")
    scrolls = f' tabindex="0" role="region" aria-label="{escape(panel.title)}"' if rigid else ""
    return (
        f'<figure class="{kind}">{heading}<div class="drawing"{scrolls}>{panel.svg}</div>'
        f"{caption}</figure>"
    )


def _part(name: str) -> str:
    return (files("cryptobt.reports") / name).read_text(encoding="utf-8")
