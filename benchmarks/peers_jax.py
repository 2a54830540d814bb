"""What benchmarks/peers.py times of Jafar, in an interpreter that has JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax.training.train_state import TrainState
from peers_child import Setting

Step = Callable[[], object]


class Jafar:
    """fp32 only: its layers take no other format. Its feed-forward is a fourth of the others'."""

    formats = ("fp32",)
    notes = {
        "dynamics": "a feed-forward of one square matrix; blocks are computed anew backward",
        "tokenizer": "a feed-forward of one square matrix; blocks are computed anew backward",
        "frame": "15 frames encoded and one picture decoded; compiled, unlike its sample.py",
    }

    def __init__(self, size: Setting):
        self.size = size
        self.key = jax.random.PRNGKey(0)
        self.actions = jnp.zeros((size.clips, size.frames - 1, 1, 32))
        self.tokens = jax.random.randint(self.key, (size.clips, size.frames, size.tokens), 0, 1024)

    def _video(self, clips: int, frames: int) -> jax.Array:
        return jax.random.uniform(
            self.key, (clips, frames, self.size.picture, self.size.picture, 3)
        )

    def _step(self, model: Any, batch: dict[str, Any], loss: Callable[..., jax.Array]) -> Step:
        """With its optimizer: AdamW without clipping."""
        rate = optax.warmup_cosine_decay_schedule(3e-6, 3e-5, 5000, 200_000)
        rule = optax.adamw(learning_rate=rate, b1=0.9, b2=0.9, weight_decay=1e-4)
        weights = model.init({"params": self.key, "dropout": self.key}, batch)
        state = TrainState.create(apply_fn=model.apply, params=weights, tx=rule)

        @jax.jit
        def update(state: TrainState, key: jax.Array) -> TrainState:
            def error(weights: Any) -> jax.Array:
                given = {**batch, "mask_rng": key}
                return loss(model.apply(weights, given, training=True, rngs={"dropout": key}))

            return state.apply_gradients(grads=jax.grad(error)(state.params))

        def step() -> None:
            nonlocal state
            self.key, key = jax.random.split(self.key)
            state = jax.block_until_ready(update(state, key))

        return step

    def dynamics(self, form: str) -> Step:
        """On given tokens and actions."""
        from models.dynamics import DynamicsMaskGIT

        size = self.size
        model = DynamicsMaskGIT(size.width, 1024, size.blocks, size.heads, 0.0, 0.5)
        batch = {
            "video_tokens": self.tokens,
            "latent_actions": self.actions,
            "mask_rng": self.key,
        }

        def loss(found: dict[str, jax.Array]) -> jax.Array:
            each = optax.softmax_cross_entropy_with_integer_labels(
                found["token_logits"], self.tokens
            )
            return jnp.sum(each * found["mask"]) / jnp.sum(found["mask"])

        return self._step(model, batch, loss)

    def tokenizer(self, form: str) -> Step:
        """On frames."""
        from models.tokenizer import TokenizerVQVAE

        size = self.size
        model = TokenizerVQVAE(3, size.width, 32, 1024, 4, size.blocks, size.heads, 0.0, 0.01)
        video = self._video(size.clips, size.frames)

        def loss(found: dict[str, jax.Array]) -> jax.Array:
            stop = jax.lax.stop_gradient
            codes = jnp.mean((stop(found["emb"]) - found["z"]) ** 2)
            commitment = jnp.mean((found["emb"] - stop(found["z"])) ** 2)
            return jnp.mean((video - found["recon"]) ** 2) + codes + 0.25 * commitment

        return self._step(model, {"videos": video}, loss)

    def frame(self, form: str) -> Step:
        """The last frame of a window."""
        from genie import Genie

        size, shape = self.size, (self.size.width, self.size.blocks, self.size.heads)
        model = Genie(
            in_dim=3,
            patch_size=4,
            lam_patch_size=16,
            latent_patch_dim=32,
            num_patch_latents=1024,
            latent_action_dim=32,
            num_latent_actions=6,
            dropout=0.0,
            mask_limit=0.5,
            **dict(zip(_names("tokenizer"), shape, strict=True)),
            **dict(zip(_names("lam"), shape, strict=True)),
            **dict(zip(_names("dyna"), shape, strict=True)),
        )
        whole = {"videos": self._video(1, size.frames), "mask_rng": self.key}
        weights = model.init(self.key, whole)
        past = self._video(1, size.frames - 1)
        actions = jnp.zeros((1, size.frames - 1, 1), dtype=int)

        @jax.jit
        def draw(key: jax.Array) -> jax.Array:
            batch = {"videos": past, "latent_actions": actions, "rng": key}
            return model.apply(weights, batch, size.steps, 1.0, False, method=Genie.sample)

        def play() -> None:
            self.key, key = jax.random.split(self.key)
            jax.block_until_ready(draw(key))

        return play


def _names(part: str) -> tuple[str, str, str]:
    return f"{part}_dim", f"{part}_num_blocks", f"{part}_num_heads"


IMPLEMENTATIONS = {"jafar": Jafar}
