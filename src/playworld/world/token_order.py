"""The orders in which the tokens of a frame can be decided."""

from typing import Literal

Order = Literal["random", "halton", "confidence"]
"""In which tokens of a frame are decided."""
