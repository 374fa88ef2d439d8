"""What a person is told where a request cannot be answered."""

from http import HTTPStatus

from werkzeug.exceptions import HTTPException

_SENTENCES = {
    400: "The request is not one that a browser sends.",
    401: "This page asks for a token; sign in with it, or send it as a Bearer token.",
    403: "This request is not allowed.",
    404: "There is no such page.",
    405: "This address does not take this kind of request: everything here is read-only.",
    413: "What was sent is too large.",
    415: "Send JSON, with Content-Type: application/json.",
    421: "This server does not answer under this name; start it with --name if it should.",
    422: "What was sent is not what is asked for.",
    429: "Too many tokens were wrong; wait a little, and try again.",
    500: "Something unexpected went wrong; the terminal of `cryptobt serve` says what.",
}


def sentence(error: HTTPException) -> str:
    """Say in one sentence why a request cannot be answered."""
    own = type(error).description
    if error.description and error.description != own and error.code in (403, 404, 422):
        return error.description
    return _SENTENCES.get(error.code or 500, title_of(error.code or 500) + ".")


def title_of(status: int) -> str:
    """Name a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
