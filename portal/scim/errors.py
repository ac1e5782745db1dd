"""Errors of RFC 7644, section 3.12: our own words, never a piece of what was sent."""

from __future__ import annotations

from pydantic import ValidationError
from scim2_models import Error, SCIMException

# The text of an error of the library may repeat what was sent; its keyword may not.
WORDS = {
    "invalidFilter": "The filter is not understood, or asks for what is not searched here.",
    "tooMany": "The filter yields too many results.",
    "uniqueness": "Another resource of this directory has this value already.",
    "mutability": "An attribute of the request cannot be changed by a directory.",
    "invalidSyntax": "The body does not have the structure that RFC 7644 gives it.",
    "invalidPath": "The path of an operation is not one of this resource.",
    "noTarget": "The path of an operation meets no value.",
    "invalidValue": "A value is missing, or is not one that its attribute may have.",
}


class Refusal(SCIMException):
    """A refusal in our own words; `status` and `scim_type` as in RFC 7644, section 3.12."""

    def __init__(self, status: int, words: str, scim_type: str = "") -> None:
        super().__init__(detail=words)
        self.status = status
        self.scim_type = scim_type


def invalid(words: str) -> Refusal:
    """400 invalidValue with our words."""
    return Refusal(400, words, "invalidValue")


def taken(words: str) -> Refusal:
    """409 uniqueness with our words."""
    return Refusal(409, words, "uniqueness")


def error_of(raised: SCIMException | ValidationError) -> Error:
    """What is answered to an error; of the library's own only the keyword and the status."""
    if isinstance(raised, Refusal):
        return raised.to_error()
    if isinstance(raised, ValidationError):
        found = Error.from_validation_errors(raised.errors(include_input=False))[0]
        keyword, status = found.scim_type or "invalidValue", found.status or 400
    else:
        keyword, status = raised.scim_type, raised.status
    detail = WORDS.get(keyword, "The request cannot be done.")
    return Error(status=status, scim_type=keyword or None, detail=detail)
