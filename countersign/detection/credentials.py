"""Secrets: keys of providers, private keys, tokens, passwords. They carry no letter.

Prefixes are those that the providers publish for their keys, so that secret scanners find them.
"""

from __future__ import annotations

import math

from countersign.detection.patterns import Page, Pattern
from countersign.detection.words import word_set

_END = r"(?![A-Za-z0-9_-])"
# Bits a character: above it a text is random rather than written.
_RANDOM = 3.0


def _is_random(text: str) -> bool:
    counts = [text.count(character) for character in set(text)]
    entropy = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    return entropy >= _RANDOM


def _assigned(page: Page, start: int, end: int) -> float:
    """A value given to a name like `api_key`: long and random, not a placeholder or a word."""
    text = page.text[start:end]
    if text[0] in "<{$%[" or text.lower() in _PLACEHOLDERS:
        return 0.0
    varied = any(character.isdigit() for character in text) and any(
        character.isalpha() for character in text
    )
    return 0.85 if varied and _is_random(text) else 0.0


_PLACEHOLDERS = word_set(
    """
    password changeme secret example your_api_key your-api-key xxxxxxxx none null true false
    """
)


def _password(page: Page, start: int, end: int) -> float:
    text = page.text[start:end].lower()
    if text in _PLACEHOLDERS or text in _WORDS_AFTER_PASSWORD:
        return 0.0
    mixed = not text.isalpha() or page.text[start - 1 : start] in {'"', "'", "`"}
    return 0.8 if mixed else 0.0


_WORDS_AFTER_PASSWORD = word_set(
    """
    reset policy manager hash protected required field length strength was is has and or must
    should
    """
)

_KEYS = (
    r"sk-(?:proj-|svcacct-|admin-|ant-(?:api|sid|admin)[0-9]{2}-|or-v1-|lf-)?[a-z0-9_-]{20,200}"
    r"|AIza[0-9A-Za-z_-]{35}"
    r"|(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[0-9A-Z]{16}"
    r"|gh[pousr]_[0-9A-Za-z]{36,251}|github_pat_[0-9A-Za-z_]{50,100}|glpat-[0-9A-Za-z_-]{20,60}"
    r"|xox[abeoprs]-[0-9A-Za-z-]{10,250}|xapp-[0-9A-Za-z-]{20,200}"
    r"|(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{16,250}|whsec_[0-9A-Za-z+/=]{24,80}"
    "|hf_[0-9A-Za-z]{30,50}|r8_[0-9A-Za-z]{30,50}|gsk_[0-9A-Za-z]{40,70}"
    "|xai-[0-9A-Za-z]{60,100}|pplx-[0-9A-Za-z]{40,70}"
    "|npm_[0-9A-Za-z]{36}|pypi-[0-9A-Za-z_-]{50,250}|dop_v1_[0-9a-f]{64}"
    r"|SG\.[0-9A-Za-z_-]{16,32}\.[0-9A-Za-z_-]{30,60}"
    "|key-[0-9a-f]{32}|AC[0-9a-f]{32}|SK[0-9a-f]{32}|shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}|sq0"
    "(?:atp|csp)-[0-9A-Za-z_-]{22,43}"
    r"|csk_(?:live|test)_[0-9A-Za-z]{20,120}|ya29\.[0-9A-Za-z_-]{20,300}"
    "|EAA[0-9A-Za-z]{60,300}|lin_api_[0-9A-Za-z]{40}|ntn_[0-9A-Za-z]{40,60}"
    "|co_[0-9A-Za-z]{36,50}|dapi[0-9a-f]{32}|nvapi-[0-9A-Za-z_-]{50,80}"
    r"|AGE-SECRET-KEY-1[0-9A-Z]{58}|hvs\.[0-9A-Za-z_-]{24,120}|tfp_[0-9A-Za-z_-]{40,70}"
)

PATTERNS = (
    Pattern(
        "secret.private-key",
        "PRIVATE_KEY",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s:,\\.-]{0,8000}"
        "(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
        0.99,
        needs=("private key",),
        before="",
        after="",
        is_caseless=False,
        longest=8144,
    ),
    Pattern(
        "secret.provider-key",
        "API_KEY",
        _KEYS.replace("[a-z0-9_-]{20,200}", "[A-Za-z0-9_-]{20,200}"),
        0.97,
        after=_END,
        is_caseless=False,
        needs=("sk-", "aiza", "a", "gh", "xox", "xapp", "_", "-", "sg."),
        longest=305,
    ),
    Pattern(
        "secret.jwt",
        "TOKEN",
        r"eyJ[A-Za-z0-9_-]{8,400}\.[A-Za-z0-9_-]{8,4000}"
        r"(?:\.[A-Za-z0-9_-]{0,1000})?",
        0.97,
        needs=("eyj",),
        after="",
        is_caseless=False,
        longest=5405,
    ),
    Pattern(
        "secret.bearer",
        "TOKEN",
        "(?:bearer|basic|token)[ :]{1,2}(?P<token>[a-z0-9_.~+/-]{20,2000}={0,2})",
        0.9,
        check=_assigned,
        group="token",
        needs=("bearer", "basic", "token"),
        longest=2010,
    ),
    Pattern(
        "secret.assigned",
        "API_KEY",
        "(?:api|access|secret|private|auth|client|account|encryption|signing|master|shared"
        r")[ _-]?(?:access[ _-]?)?(?:key|token|secret)(?:[ _-]?id)?[\"']?(?: is| ?[:=]| ?=>)[ "
        r"]{0,2}[\"'`]?(?P<key>[a-z0-9_.+/=~-]{16,300})",
        0.85,
        check=_assigned,
        group="key",
        after="",
        needs=("key", "token", "secret"),
        longest=334,
    ),
    Pattern(
        "secret.password",
        "TOKEN",
        "(?:password|passwd|pwd|passphrase|passcode|pin code|contraseña|passwort|mot de "
        r"passe)[\"']?(?: is|:| ?=)[ ]{0,2}[\"'`]?(?P<password>[^\s\"'`,;<>]{4,100})",
        0.8,
        check=_password,
        group="password",
        after="",
        needs=("pass", "pwd", "pin", "contrase"),
        trailing=".)",
    ),
    Pattern(
        "secret.url",
        "TOKEN",
        r"://[^\s:/@]{1,64}:(?P<password>[^\s@/]{3,100})@",
        0.95,
        group="password",
        needs=("://",),
        before="",
        after="",
    ),
)
