"""Video tokenizer of changes: the first picture is kept, others are motion and what is new.

As in a video codec, a frame is built from the last decoded one. What stays the same has no tokens,
so a picture of any kind stays itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.models.base import Tokenizer
from playworld.models.batch_invariance import row_by_row
from playworld.models.motion.actions import seen_motion
from playworld.models.motion.blend import Blend
from playworld.models.motion.canvas import Canvas
from playworld.models.motion.changes import FIRST_CODE, Changes
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.find_changes import find_changes
from playworld.models.motion.first_scene import FirstScene
from playworld.models.motion.flight import flight_after
from playworld.models.motion.render import CANDIDATES, render_inputs
from playworld.models.motion.residual_codes import Books
from playworld.models.motion.scene_layer import follows, next_layers
from playworld.models.motion.source import Source, scene_in, scene_vector, shifted
from playworld.models.pixels import to_float, to_uint8
from playworld.models.stems import pad_to_patch

CUT = 0.9
"""A frame of a prompt in which more blocks than this share are new is another scene."""


class MotionTokenizer(Tokenizer):
    """Frames to changes and back, each frame from the last decoded one."""

    config: MotionTokenizerConfig

    def __init__(self, config: MotionTokenizerConfig):
        super().__init__()
        self.config = config
        self.num_tokens = config.num_tokens
        self.books = Books(config)
        self.blend = Blend(CANDIDATES, config.channels, config.layers)
        self.first_scene = FirstScene(config.first_scene) if config.first_scene else None

    def forward(self, video: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B T C h w"]:
        """The frames after the first as training has them: from the last one's own picture."""
        return torch.stack(
            [picture for *_, picture in self.unroll(self.pad_to_blocks(video))], dim=1
        )

    def unroll(
        self, frames: UInt8[Tensor, "B T C h w"], alter: Callable[[Changes], Changes] | None = None
    ) -> Iterator[tuple[Changes, Float[Tensor, "B N pixels"], Float[Tensor, "B C h w"]]]:
        """Each frame after the first, from the last one's own picture without its gradient.

        Args:
            frames: as `pad_to_blocks` gives them.
            alter: the changes that are decoded in place of those that are found; the scene's
                motion has to stay.

        Yields:
            Changes as they are found, what copies leave of each block, and the picture.
        """
        canvas, tables = self.canvas_around(frames[:, 0]), self.books.tables()
        for frame in frames[:, 1:].unbind(1):
            changes, left, source = find_changes(self.config, self.books, tables, canvas, frame)
            decoded = alter(changes) if alter else changes
            picture = self.render(source, decoded)
            yield changes, left, picture
            canvas = self.moved_canvas(canvas, source, decoded, picture.detach(), in_place=True)

    def encode(self, video: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B T L"]:
        """Tokens of every frame; those of the first are zeros: it is kept as it is."""
        return self._encode(video, against_truth=False)

    def encode_pairs(self, video: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B T L"]:
        """Tokens of every frame against the true frame before it.

        The dynamics learn from these, so only what could be predicted counts as a change. What has
        left the view is remembered, as in play.
        """
        return self._encode(video, against_truth=True)

    def _encode(
        self, video: Float[Tensor, "B T H W C"], against_truth: bool
    ) -> Int[Tensor, "B T L"]:
        frames = self.pad_to_blocks(video)
        canvas, tokens = (
            self.canvas_around(frames[:, 0]),
            [self.no_change(len(video), video.device)],
        )
        tables = self.books.tables()
        for frame in frames[:, 1:].unbind(1):
            changes, _, source = find_changes(
                self.config, self.books, tables, canvas, frame, predictable=against_truth
            )
            tokens.append(changes.pack())
            picture = to_float(frame) if against_truth else self.render_exact(source, changes)
            canvas = self.moved_canvas(canvas, source, changes, picture, in_place=True)
        return torch.stack(tokens, dim=1)

    def decode(
        self, tokens: Int[Tensor, "B T L"], prompt: Float[Tensor, "B H W C"]
    ) -> Float[Tensor, "B T H W C"]:
        """Frames in [0, 1] from the first picture and the changes of every frame."""
        cache, frames = self.begin(prompt), []
        for t in range(tokens.shape[1]):
            frame, cache = self.decode_step(tokens[:, t], cache, in_place=True)
            frames.append(frame)
        return torch.stack(frames, dim=1)

    def reconstruct(self, video: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B T H W C"]:
        """The video through its first picture and its tokens, and back."""
        return self.decode(self.encode(video), video[:, 0])

    def begin(self, prompt: Float[Tensor, "B H W C"]) -> Canvas:
        """The state before the first frame, whose picture is `prompt`."""
        return self.canvas_around(self.pad_to_blocks(prompt[:, None])[:, 0])

    @torch.no_grad()
    def canvas_around(self, frames: UInt8[Tensor, "B 3 h w"]) -> Canvas:
        """The canvas around first pictures, in whole blocks.

        All of a picture is the scene, unless a network separates them.
        """
        layers = [frames]
        if self.first_scene is not None:
            layers.append(to_uint8(row_by_row(self.first_scene.layers, to_float(frames))))
        elif self.config.keeps_scene:
            layers += [frames, torch.zeros_like(frames[:, :1])]
        return Canvas.around(torch.cat(layers, dim=1))

    def decode_step(
        self, tokens: Int[Tensor, "B L"], cache: Canvas, in_place: bool = False
    ) -> tuple[Float[Tensor, "B H W C"], Canvas]:
        """The next frame, and the state after it."""
        changes = Changes.unpack(tokens, self.config.num_blocks)
        source = self.source(cache, changes)
        picture = self.render_exact(source, changes)
        canvas = self.moved_canvas(cache, source, changes, picture, in_place)
        return self.visible_picture(canvas), canvas

    def anchor(
        self,
        tokens: Int[Tensor, "B L"],
        frame: Float[Tensor, "B H W C"],
        cache: Canvas,
        truth: Float[Tensor, "B H W C"],
    ) -> tuple[Float[Tensor, "B H W C"], Canvas]:
        """The true frame, and the canvas with it in view; after a cut nothing else is on it."""
        pixels = self.pad_to_blocks(truth[:, None])[:, 0]
        changes = Changes.unpack(tokens, self.config.num_blocks)
        layers = [pixels]
        if self.config.keeps_scene:
            _, scene, before = cache.view().split([3, 3, 1], dim=1)
            scene = torch.where(follows(self.config, changes), pixels, scene)
            layers += [scene, before]
        still = torch.zeros_like(cache.corner)
        canvas = cache.moved(still, torch.cat(layers, dim=1), in_place=True)
        fresh = self.canvas_around(pixels)
        cut = changes.new.float().mean(1) > CUT
        canvas.pixels.copy_(torch.where(cut[:, None, None, None], fresh.pixels, canvas.pixels))
        canvas.corner.copy_(torch.where(cut[:, None], fresh.corner, canvas.corner))
        flight = torch.where(cut[:, None], fresh.flight, canvas.flight)
        return self.visible_picture(canvas), replace(canvas, flight=flight)

    def visible_picture(self, cache: Canvas) -> Float[Tensor, "B H W 3"]:
        """The picture in view."""
        return self.layers_in_view(cache)[..., :3]

    def layers_in_view(self, cache: Canvas) -> Float[Tensor, "B H W C"]:
        """What is in view of all layers of the canvas."""
        return self.cropped(to_float(cache.view()))

    def moved_scene(self, cache: Canvas, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B H W 3"]:
        """The scene in view as its motion makes it, with what comes back into view."""
        reach = self.config.reach
        window = to_float(scene_in(cache.view(reach)))
        return self.cropped(shifted(window, scene_vector(tokens[:, 0], reach), reach))

    def context_pictures(
        self,
        tokens: Int[Tensor, "B T L"],
        video: Float[Tensor, "B T H W 3"],
        targets: Int[Tensor, "B T L"] | None = None,
    ) -> tuple[Float[Tensor, "B T H W C"], Float[Tensor, "B T H W 3"], Int[Tensor, "B T 7"]]:
        """For every frame `layers_in_view`, and `moved_scene` and flight of the frame before it.

        Of the first, the second is that frame itself. `moved_scene` is by the motion in `targets`,
        where these differ from the tokens.
        """
        targets = tokens if targets is None else targets
        frames = self.pad_to_blocks(video)
        canvas, moved = self.canvas_around(frames[:, 0]), [video[:, 0]]
        layers, flights = [self.layers_in_view(canvas)], [canvas.flight]
        for t, frame in enumerate(frames[:, 1:].unbind(1), start=1):
            changes = Changes.unpack(tokens[:, t], self.config.num_blocks)
            source = self.source(canvas, changes)
            moved.append(self.moved_scene(canvas, targets[:, t]))
            flights.append(canvas.flight)
            canvas = self.moved_canvas(canvas, source, changes, to_float(frame), in_place=True)
            layers.append(self.layers_in_view(canvas))
        return torch.stack(layers, dim=1), torch.stack(moved, dim=1), torch.stack(flights, dim=1)

    def source(self, canvas: Canvas, changes: Changes) -> Source:
        """What the next frame is copied from."""
        reach, still = self.config.reach, changes.nothing_moves(self.config.num_scenes // 2)
        return Source.of(to_float(canvas.view(reach)), changes.scene, reach, still)

    def cropped(self, whole: Float[Tensor, "B C h w"]) -> Float[Tensor, "B H W C"]:
        """Without what was added to fill the last blocks, channels last."""
        return whole[..., : self.config.height, : self.config.width].permute(0, 2, 3, 1)

    def code_grid(self, tokens: Int[Tensor, "B T L"]) -> Float[Tensor, "B T h w E"]:
        """The `seen_motion` of every frame: one place for the whole of it."""
        changes = Changes.unpack(tokens, self.config.num_blocks)
        return seen_motion(changes, self.config.reach)[:, :, None, None]

    def chosen_codes(self, tokens: Int[Tensor, "*batch L"]) -> tuple[Int[Tensor, " M"], int]:
        """Codes of the first stage of all blocks with something new, and the size of its book."""
        first = Changes.unpack(tokens, self.config.num_blocks).codes[..., 0]
        return first[first >= FIRST_CODE] - FIRST_CODE, self.config.content.num_codes

    def round_decoder(self, dtype: torch.dtype) -> None:
        """Round the weights of the way from tokens to pixels."""
        self.blend.to(dtype)

    def pad_to_blocks(self, video: Float[Tensor, "B T H W C"]) -> UInt8[Tensor, "B T C h w"]:
        """Frames continued to whole blocks, channels first."""
        whole = pad_to_patch(video, self.config.patch)
        return to_uint8(whole).permute(0, 1, 4, 2, 3).contiguous()

    def no_change(self, batch: int, device: torch.device) -> Int[Tensor, "B L"]:
        """Tokens of a frame that is the last one again, and of a first picture."""
        tokens = torch.zeros(batch, self.num_tokens, dtype=torch.long, device=device)
        tokens[:, 0] = self.config.num_scenes // 2  # no motion
        return tokens

    def render(self, source: Source, changes: Changes) -> Float[Tensor, "B C H W"]:
        """The next frame in whole blocks; a plain copy is exact, what is blended is unbounded."""
        return self._blended(*render_inputs(self.config, self.books, source, changes))

    @torch.no_grad()
    def render_exact(self, source: Source, changes: Changes) -> Float[Tensor, "B C H W"]:
        """`render`, the same to the bit in any batch; a frame of copies alone is not blended."""

        def blended(copies: Tensor, residual: Tensor, new: Tensor) -> Tensor:
            # Elsewhere asking costs more than doing, and an exported graph has no branches.
            asks = new.device.type == "cpu" and not torch.onnx.is_in_onnx_export()
            return copies[:, 0] if asks and not new.any() else self._blended(copies, residual, new)

        return row_by_row(blended, *render_inputs(self.config, self.books, source, changes))

    def _blended(
        self,
        copies: Float[Tensor, "B copies C H W"],
        residual: Float[Tensor, "B C H W"],
        new: Bool[Tensor, "B 1 H W"],
    ) -> Float[Tensor, "B C H W"]:
        blended = self.blend(copies, residual, new.to(residual))
        return torch.where(new, blended, copies[:, 0])

    def moved_canvas(
        self,
        canvas: Canvas,
        source: Source,
        changes: Changes,
        picture: Float[Tensor, "B C H W"],
        in_place: bool = False,
    ) -> Canvas:
        """The canvas with this picture in view, moved with the scene."""
        layers = [picture]
        if self.config.keeps_scene:
            before = to_float(canvas.view()[:, 3:])
            layers.append(next_layers(self.config, source, changes, picture, before))
        motion = scene_vector(changes.scene, self.config.reach)
        moved = canvas.moved(motion, to_uint8(torch.cat(layers, dim=1)), in_place)
        return replace(moved, flight=flight_after(canvas.flight, motion))
