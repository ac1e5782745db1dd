"""A browser in a few words, so that people know their sessions; pure.

What a browser says of itself is written by whoever sends it: only words of these tables are kept.
"""

from __future__ import annotations

import re

# The first that fits; those that name others besides themselves come before these.
BROWSERS = (
    (r"HeadlessChrome|Chromium", "Chromium"),
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|CriOS/", "Chrome"),
    (r"Safari/", "Safari"),
)
SYSTEMS = (
    (r"iPhone|iPod", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"CrOS", "ChromeOS"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"Linux|X11", "Linux"),
)


def client_words(user_agent: str) -> str:
    """Such as "Firefox on Windows"; "Unknown browser" where neither is known."""
    text = user_agent[:400]
    browser = next((name for shape, name in BROWSERS if re.search(shape, text)), "")
    system = next((name for shape, name in SYSTEMS if re.search(shape, text)), "")
    if not browser and not system:
        return "Unknown browser"
    return f"{browser or 'Unknown browser'}{f' on {system}' if system else ''}"
