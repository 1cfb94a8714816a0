"""The transformer of characters at width 256, whose axes are long enough for sketches to pay."""

from __future__ import annotations

from oco.reproduce.quality.char_transformer import of_width

# A quarter of the narrow one's contexts: a step of it takes twice as long.
TASK = of_width("wide-transformer", 256, contexts=2, judged=32, steps=200)
