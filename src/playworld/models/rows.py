"""Tensors that belong together, each with one row per session."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TypeVar

import torch
from torch import Tensor

R = TypeVar("R", bound="Rows")


class Rows:
    """Base of dataclasses whose fields are all tensors with the batch as their first axis."""

    def tensors(self) -> list[Tensor]:
        """The fields, in their order."""
        return [getattr(self, field.name) for field in fields(self)]  # type: ignore[arg-type]

    def map(self: R, fn: Callable[[Tensor], Tensor]) -> R:
        """The same with `fn` applied to every tensor, such as `lambda t: t[rows]`."""
        return type(self)(*map(fn, self.tensors()))

    def row(self: R, number: int) -> R:
        """That of one session, as a batch of one."""
        return self.map(lambda t: t[number : number + 1])

    @classmethod
    def cat(cls: type[R], parts: Sequence[R], out: R | None = None) -> R:
        """Rows of several as one batch.

        With `out` it takes over the memory of that one, which has no fewer rows.
        """
        columns = list(zip(*(part.tensors() for part in parts), strict=True))
        if out is None:
            return cls(*(torch.cat(column) for column in columns))
        rows = sum(len(first) for first in columns[0])
        room = [place[:rows] for place in out.tensors()]
        joined = zip(columns, room, strict=True)
        return cls(*(torch.cat(column, out=place) for column, place in joined))
