"""Pages kept as they were rendered, for as long as nothing in them can have changed."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from flask import Response, request

_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Page:
    """A rendered page, or document."""

    content: bytes
    mimetype: str
    status: int
    etag: str

    def response(self) -> Response:
        """Answer with it, or with 304 where the browser has it already."""
        response = Response(self.content, self.status, mimetype=self.mimetype)
        if self.status == 200:
            response.set_etag(self.etag, weak=True)
            response.make_conditional(request)
        return response


def page_of(text: str, mimetype: str = "text/html", status: int = 200) -> Page:
    """Make a page of a text; half a letter, which no page can hold, becomes a question mark."""
    content = text.encode(errors="replace")
    return Page(content, mimetype, status, hashlib.sha256(content).hexdigest()[:24])


class Rendered:
    """Pages by what they were made from; the oldest go once they are too many."""

    def __init__(self) -> None:
        self._lock, self._rendering = threading.Lock(), threading.Lock()
        self._pages: OrderedDict[Hashable, Page] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, render: Callable[[], Page]) -> Page:
        """Give the page of a key, rendered once however many ask for it at the same moment."""
        found = self._found(key)
        if found is not None:
            return found
        with self._rendering:
            found = self._found(key)
            if found is None:
                found = render()
                self._keep(key, found)
        return found

    def _found(self, key: Hashable) -> Page | None:
        with self._lock:
            found = self._pages.get(key)
            if found is not None:
                self._pages.move_to_end(key)
        return found

    def _keep(self, key: Hashable, page: Page) -> None:
        with self._lock:
            self._pages[key] = page
            self._bytes += len(page.content)
            while self._bytes > _MOST_BYTES and len(self._pages) > 1:
                self._bytes -= len(self._pages.popitem(last=False)[1].content)
