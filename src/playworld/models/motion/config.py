"""Shape of the video tokenizer of changes."""

from dataclasses import dataclass

from playworld.config import check_ranges
from playworld.models.motion.blend import CELL
from playworld.models.motion.block_matching import NOISE
from playworld.models.motion.layout import BlockLayout
from playworld.models.quantizer import QuantizerConfig
from playworld.models.stems import check_grid


@dataclass(frozen=True)
class MotionTokenizerConfig(BlockLayout):
    """Shape of the video tokenizer of changes."""

    height: int
    """Rows of a frame, pixels."""
    width: int
    """Columns of a frame, pixels."""
    content: QuantizerConfig
    """The codebook of what is new in a block, one for each stage; its features are pixels."""
    patch: int = 8
    """Side of a block, pixels."""
    reach: int = 8
    """Largest motion from frame to frame, pixels in each direction."""
    stages: int = 4
    """Most codes of a block with something new; each refines what those before it left."""
    channels: int = 64
    """Features of the filter behind the motion."""
    layers: int = 3
    """Residual layers of the filter."""
    skip_below: float = NOISE
    """Mean squared error (of pixels in [0, 1]) below which a block is a plain copy."""
    refine_below: float = 8e-4
    """The same below which a block that has a code gets no further one."""
    predict_below: float = 4 * NOISE
    """The same below which a block is a copy in what the dynamics learn from: to say less is easier
    to predict, and the picture keeps as well."""
    layer_blocks: int = 0
    """Blocks that have to share a motion within a pixel of the scene's, in what the dynamics learn
    from. A layer that scrolls at another speed has many; what few have are accidents, which tear
    walls in play. 0: as few as for any motion."""

    keeps_scene: bool = False
    """Whether the scene is kept apart from what moves before it, so that what a figure uncovers is
    there. Blocks that move with the scene are copied from it, all others from the last picture."""
    first_scene: int = 0
    """Channels of the network that separates the scene of a first picture from what stands before
    it, `FirstScene`. 0: all of a first picture is the scene."""

    def __post_init__(self) -> None:
        check_grid(self.height, self.width, self.patch, "conv")
        check_ranges(self, patch=(2 * CELL, 64), reach=(1, 32), stages=(1, 8), channels=(8, 1_024))
        check_ranges(self, layer_blocks=(0, 4_096), first_scene=(0, 1_024))
        if self.first_scene and not self.keeps_scene:
            raise ValueError("first_scene needs keeps_scene: where would the scene be kept?")
        check_ranges(
            self, layers=(0, 64), skip_below=(0, 1), refine_below=(0, 1), predict_below=(0, 1)
        )
        if self.content.code_size != 3 * self.patch**2:
            raise ValueError(
                f"content.code_size is the numbers of a block of {self.patch} pixels in 3 colours, "
                f"{3 * self.patch**2}, got {self.content.code_size}"
            )
        if self.content.normalize:
            raise ValueError("content.normalize must be false: codes are pixels")

    @property
    def num_contents(self) -> int:  # type: ignore[override]  # a field of the dynamics
        """Codes in the codebook of each stage."""
        return self.content.num_codes

    @property
    def view(self) -> tuple[int, int]:
        """Side of a place of `MotionTokenizer.code_grid`, pixels, and its channels."""
        return max(self.height, self.width), 4

    @property
    def summary(self) -> str:
        """What a frame is, for people."""
        codes = f"up to {self.stages} of {self.content.num_codes} codes"
        return f"{self.num_blocks} blocks, each of a motion, a split and {codes}"

    @property
    def lookback(self) -> None:
        """Tokens depend on all frames since the clip begins, so no others can be cached."""

    @property
    def session_bytes(self) -> int:
        """Memory of the canvas of one game."""
        rows, columns = self.grid
        return 4 * self.canvas_channels * rows * columns * self.patch**2
