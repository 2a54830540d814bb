"""What a frame of changes consists of, which tokenizer and dynamics agree on."""

from playworld.models.motion.changes import CHOICES, FIRST_CODE, QUARTERS
from playworld.models.stems import grid


class BlockLayout:
    """Sizes that follow from the fields that both configs have."""

    height: int
    width: int
    patch: int
    reach: int
    stages: int
    num_contents: int
    keeps_scene: bool

    @property
    def canvas_channels(self) -> int:
        """Channels of a canvas: the picture, and where it is kept the scene, and what hides it."""
        return 7 if self.keeps_scene else 3

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        return grid(self.height, self.width, self.patch)

    @property
    def num_blocks(self) -> int:
        """Blocks per frame."""
        return self.grid[0] * self.grid[1]

    @property
    def num_scenes(self) -> int:
        """Different motions of the scene, in half pixels."""
        return (4 * self.reach + 1) ** 2

    @property
    def num_motions(self) -> int:
        """Different motions of a block, in whole pixels."""
        return (2 * self.reach + 1) ** 2

    @property
    def num_tokens(self) -> int:
        """Numbers per frame: one for the scene, then per block its motion, split and codes."""
        return 1 + self.num_blocks * (2 + self.stages)

    @property
    def vocabularies(self) -> tuple[int, ...]:
        """How many values each of these numbers may have, in the order of `Changes.pack`."""
        first, later = FIRST_CODE + self.num_contents, 1 + self.num_contents
        of_block = [self.num_motions + 1, CHOICES**QUARTERS, first, *[later] * (self.stages - 1)]
        every = [size for size in of_block for _ in range(self.num_blocks)]
        return (self.num_scenes, *every)

    @property
    def num_codes(self) -> int:
        """The largest vocabulary among these numbers."""
        return max(self.vocabularies)
