"""What callers of a world hand over, refused with a reason where it does not fit."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from playworld.config import InputError


def check_video(video: Tensor, least: int, height: int, width: int) -> Tensor:
    """Frames (B, T, H, W, 3) in uint8 of the world's size, at least one row of `least` frames.

    Raises:
        InputError: for anything else.
    """
    if video.dtype != torch.uint8 or video.ndim != 5 or video.shape[2:] != (height, width, 3):
        wanted = f"uint8 frames (batch, time, {height}, {width}, 3)"
        raise InputError(f"this world needs {wanted}, got {video.dtype} {list(video.shape)}")
    if video.shape[0] < 1 or video.shape[1] < least:
        raise InputError(f"at least 1 row of {least} frames is needed, got {list(video.shape)}")
    return video


def check_actions(actions: Any, batch: int, num_actions: int) -> Tensor:
    """One action number for each row.

    Raises:
        InputError: for anything else.
    """
    try:
        numbers = torch.as_tensor(actions)
    except (RuntimeError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"actions must be numbers, got {actions!r:.100}") from error
    kind = numbers.dtype
    if numbers.shape != (batch,) or kind.is_floating_point or kind == torch.bool:
        raise InputError(f"one action number for each of {batch} sessions, got {actions}")
    if bool(((numbers < 0) | (numbers >= num_actions)).any()):
        raise InputError(f"an action must be in 0..{num_actions - 1}, got {actions}")
    return numbers


def check_tokens(
    tokens: Tensor, batch: int, vocabularies: Sequence[int], device: torch.device
) -> Int[Tensor, "B N"]:
    """Tokens of one frame of every row, each below the size of its place's vocabulary.

    Raises:
        InputError: for anything else.
    """
    most = torch.tensor(vocabularies, device=device)
    kind, shape = tokens.dtype, (batch, len(most))
    if tokens.shape != shape or kind.is_floating_point or kind == torch.bool:
        found = f"{kind} {list(tokens.shape)}"
        raise InputError(f"tokens must be integers of shape {list(shape)}, got {found}")
    tokens = tokens.to(device, torch.long)
    wrong = ((tokens < 0) | (tokens >= most)).nonzero()
    if len(wrong):
        row, place = wrong[0].tolist()
        raise InputError(
            f"token {place} of a frame must be in 0..{int(most[place]) - 1}, "
            f"got {int(tokens[row, place])}"
        )
    return tokens


def check_seeds(seeds: Any, batch: int, device: torch.device) -> Tensor:
    """One seed for each row, an integer of 64 bits.

    Raises:
        InputError: for anything else.
    """
    try:
        numbers = torch.as_tensor(seeds, device=device)
    except (RuntimeError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"seeds must be integers of 64 bits, got {seeds}") from error
    if numbers.shape != (batch,) or numbers.is_floating_point():
        raise InputError(f"one integer seed for each of {batch} sessions, got {seeds}")
    return numbers.long()
