"""A site as a static Space of the Hugging Face Hub, which reads README.md."""

import json
from collections.abc import Sequence

CARD = """\
---
title: {title}
emoji: 🎮
colorFrom: gray
colorTo: yellow
sdk: static
app_file: index.html
pinned: false
custom_headers:
  cross-origin-embedder-policy: require-corp
  cross-origin-opener-policy: same-origin
  cross-origin-resource-policy: cross-origin
---

{text}
"""
"""The headers allow threads."""
TEXT = (
    "Play {names} in the browser: a model that has only watched video draws every frame. Made with "
    "[Playworld](https://github.com/playworld/playworld)."
)


def space_card(names: Sequence[str]) -> str:
    """README.md of a Space that plays worlds of these names."""
    title = names[0] if len(names) == 1 else "Playworld"
    # A string of JSON is one of YAML, whatever is in it.
    return CARD.format(
        title=json.dumps(title, ensure_ascii=False), text=TEXT.format(names=" and ".join(names))
    )
