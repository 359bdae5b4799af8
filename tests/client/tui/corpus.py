"""Texts that break screens: of other widths than their characters, and with what steers."""

from typing import Final

WIDTHS: Final = (
    "plain text",
    "日本語テキストは幅が二倍です",
    "👨‍👩‍👧‍👦 family, 👍🏽 thumb, ❤️ heart, 1️⃣ keycap, 🇩🇪 flag, 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "e\u0301 combined, Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307algo",
    "\u0301mark without a base",
    "שלום עולם and مرحبا بالعالم",
    "क्षि กำ ਪੰਜਾਬੀ",
    "soft\u00adhyphen zero\u200bwidth\u200djoiner \ufeffbom",
    "a\tb\tc",
    "x" * 300,
    "字" * 150,
    "https://example.org/" + "a/" * 120,
    "line\nline\r\nline\n\nlast",
    "```\ncode  with   spaces\n\tand a tab\n```",
    "\u2028line separator\u2029 and paragraph",
    "\U0001f600" * 90,
    "ﷺ ﷽ 𒐫 ꧅",
)
STEERING: Final = (
    "\x1b]2;title\x07",
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x9b31m\x9d2;title\x9c",
    "a\bb\rc\x00d\x7fe",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200e\u200f",
    "[bold red]markup[/] [link=x]y[/link] [@click=app.quit]z[/]",
    "\x0e\x0f\x85",
)
