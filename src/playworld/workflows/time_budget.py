"""The time budget of a run, kept in its folder over interrupted calls.

How `create` divides it between tokenizer and world is decided in `create.fitting_steps`.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playworld.atomic import write_whole
from playworld.config import InputError
from playworld.data.clips.shards import read_json
from playworld.train.deadline import Deadline

RESERVE, END_STEPS = 0.06, 80
"""What tokenizing, naming the buttons and evaluating take where no world was measured yet: this
share of the budget, or as long as so many steps (82 of `motion` on one core) if that is more."""


class Budget:
    """Time left over all calls that share a run, and the numbers of steps that were chosen."""

    def __init__(self, path: Path, state: dict[str, Any]):
        self.path, self.state, self.begun = path, state, time.monotonic()

    @classmethod
    def open(cls, run: Path, asked: dict[str, Any]) -> "Budget":
        """The budget of a run, new or resumed.

        With more minutes than before the run continues; where a world was finished with those, the
        next round trains it further. Until something is trained, all options may change.

        Raises:
            InputError: if the run was begun with something else asked for; `asked` is plain JSON.
        """
        path = run / "budget.json"
        fresh: dict[str, Any] = {"asked": asked, "spent": 0.0, "measuring": 0.0, "processor": 0.0}
        fresh |= {"round": 1, "best": None, "seconds_per_step": 0.0}
        state = dict(fresh)
        if path.exists():
            state = fresh | read_json(path)
            before = state["asked"].get("minutes", 0.0)
            if asked.get("minutes", 0.0) > before:
                state["asked"]["minutes"] = asked["minutes"]
                if state.get("finished"):
                    state = {key: state[key] for key in fresh} | {"round": state["round"] + 1}
            other = [key for key in asked if state["asked"].get(key) != asked[key]]
            if state["round"] == 1 and not {"tokenizer_steps", "world_steps"} & state.keys():
                ours = (run / "clips" / "dataset.json").exists()
                if ours and {"videos", "fps", "size"} & set(other):
                    shutil.rmtree(run / "clips", ignore_errors=True)
                return cls(path, fresh if other else state)
            if other == ["minutes"]:
                raise InputError(
                    f"{run} was begun with --minutes {before:g}; ask for as many or more to go on, "
                    "or choose another --run to start anew"
                )
            if other:
                raise InputError(
                    f"{run} was begun with other {', '.join(other)}; ask for the same to go on, or "
                    "choose another --run to start anew"
                )
        return cls(path, state)

    def spent(self) -> float:
        """Seconds that all calls have taken."""
        return self.state["spent"] + time.monotonic() - self.begun

    def left(self) -> float:
        """Seconds for training: what is left without the end, which names and measures."""
        return self.until_end() - self.reserve()

    def until_end(self) -> float:
        """Seconds until the minutes are over."""
        return 60 * self.state["asked"]["minutes"] - self.spent()

    def reserve(self) -> float:
        """Seconds kept for the end, which takes as long as measuring the start has taken."""
        usual = RESERVE * 60 * self.state["asked"]["minutes"]
        return self.state["measuring"] or max(usual, END_STEPS * self.state["seconds_per_step"])

    def deadline(self) -> Deadline:
        """By when training ends, so that the end fits in whatever the machine does then."""
        known = self.state["processor"]
        at = time.monotonic() + self.until_end()
        return Deadline(at, processor=known) if known else Deadline(at, steps=END_STEPS)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Within the block a world is named and measured, which is what the end will take."""
        began, used = self.spent(), time.process_time()
        yield
        self.state["measuring"] = self.spent() - began
        self.state["processor"] = time.process_time() - used

    def remember(self, key: str, decide: Callable[[], Any]) -> Any:
        """Decide once and keep it when the run is resumed, which needs equal steps."""
        if key not in self.state:
            self.state[key] = decide()
            self.save()
        return self.state[key]

    def save(self) -> None:
        """Write the decisions and the time spent to the run's folder."""
        now = time.monotonic()
        self.state["spent"] += now - self.begun
        self.begun = now
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(self.state))
