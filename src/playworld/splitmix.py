"""SplitMix64 (Steele, Lea and Flood, 2014) on signed 64-bit integers that wrap around."""

from typing import Any


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


STEP = _signed(0x9E3779B97F4A7C15)
"""The odd number that is added from one state of the generator to the next."""


def finalize(x: Any) -> Any:
    """Its finalizer, element by element: one bit in moves all bits out.

    For NumPy arrays and PyTorch tensors of int64 alike, which have no unsigned shift in common.
    """
    x = (x ^ ((x >> 30) & (2**34 - 1))) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ ((x >> 27) & (2**37 - 1))) * _signed(0x94D049BB133111EB)
    return x ^ ((x >> 31) & (2**33 - 1))
