"""Emoji by the names that people type between colons."""

import re
from typing import Final

_TABLE: Final = """
+1=👍 thumbsup=👍 -1=👎 thumbsdown=👎 heart=❤ tada=🎉 joy=😂 smile=😄 grin=😁
wink=😉 rofl=🤣 eyes=👀 fire=🔥 rocket=🚀 100=💯 check=✅ x=❌ warning=⚠ question=❓
exclamation=❗ bulb=💡 wave=👋 clap=👏 pray=🙏 ok_hand=👌 muscle=💪 raised_hands=🙌
point_up=☝ handshake=🤝 shrug=🤷 thinking=🤔 neutral=😐 confused=😕 cry=😢 sob=😭
angry=😠 rage=😡 scream=😱 sweat=😅 blush=😊 heart_eyes=😍 kiss=😘 cool=😎
sunglasses=😎 sleeping=😴 sick=🤒 mask=😷 nerd=🤓 party=🥳 star=⭐ sparkles=✨ sun=☀
moon=🌙 cloud=☁ rain=🌧 snow=❄ zap=⚡ rainbow=🌈 earth=🌍 coffee=☕ tea=🍵 beer=🍺
wine=🍷 cake=🎂 pizza=🍕 apple=🍎 banana=🍌 bread=🍞 cheese=🧀 dog=🐶 cat=🐱 bug=🐛
snake=🐍 turtle=🐢 fish=🐟 bird=🐦 bee=🐝 unicorn=🦄 penguin=🐧 book=📖 memo=📝
mail=📧 phone=📞 laptop=💻 computer=💻 lock=🔒 key=🔑 hammer=🔨 wrench=🔧 gear=⚙
package=📦 calendar=📅 clock=🕐 hourglass=⌛ bell=🔔 mute=🔇 pin=📌 link=🔗 mag=🔍
construction=🚧 ship=🚢 car=🚗 bike=🚲 train=🚆 plane=✈ house=🏠 office=🏢 tent=⛺
gift=🎁 music=🎵 game=🎮 dice=🎲 trophy=🏆 medal=🏅 soccer=⚽ broken_heart=💔
skull=💀 ghost=👻 robot=🤖 poop=💩 see_no_evil=🙈 facepalm=🤦 hug=🤗
crossed_fingers=🤞
"""
NAMES: Final = dict(pair.split("=") for pair in _TABLE.split())
"""The ones that are used; each takes two cells or one in every terminal."""

QUICK: Final = ("+1", "heart", "joy", "tada", "eyes", "check", "thinking", "-1", "pray", "fire")
"""What a message is answered with most."""

_NAMED: Final = re.compile(r"(?<![\w:]):([+\-\w]+):(?![\w:])")


def emojied(text: str) -> str:
    """`text` with an emoji in the place of each name that is known; code stays as it is."""
    if ":" not in text:
        return text
    parts = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    return "".join(
        part if number % 2 else _NAMED.sub(lambda match: NAMES.get(match[1], match[0]), part)
        for number, part in enumerate(parts)
    )


def of(text: str) -> str:
    """The emoji that a name means, with or without colons; else `text` itself."""
    return NAMES.get(text.strip(":"), text)
