"""The two halves of a folder of clips."""

from typing import Literal

Split = Literal["train", "valid"]
SPLITS: tuple[Split, ...] = ("train", "valid")
