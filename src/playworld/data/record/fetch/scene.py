"""The robot, its table, what lies on it, and the camera before it.

Everything about MuJoCo is imported when a scene is made: it comes with the extra `robots`, and it
chooses how it draws when it is imported.
"""

import contextlib
import importlib
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from playworld.config import InputError
from playworld.data.record.fetch import door

TASKS = ("push", "pick", "door")
"""What there is on the table: a cube and closed fingers, a cube and fingers that can grasp it, or
a door on a hinge."""

COMMANDS = ("dx", "dy", "dz", "grip")
"""A command: the way of the hand along three axes, and of its fingers, each from -1 to 1. x leads
away from the robot, y to its left, z up; 1 opens the fingers, -1 closes them."""
REACH = 0.037
"""Metres that the hand moves in a frame for a command of 1."""

SUBSTEPS = 25
"""Simulator steps of 2 ms in a frame: 20 frames per second."""
TABLE_TOP = 0.4
"""Metres above the floor."""

CAMERA = {"azimuth": 150.0, "elevation": -35.0, "distance": 0.85}
LOOK_AT = (1.28, 0.76, 0.55)
"""From the right side of the robot's view, near enough for table and hand to fill the picture.
From there the three axes are three directions of the picture, some 60 degrees apart."""
WALL = (96, 106, 126)
FLOOR, TABLE = (0.28, 0.31, 0.38), (0.62, 0.50, 0.36)
COLOURS = ((0.85, 0.12, 0.12), (0.10, 0.55, 0.20), (0.20, 0.25, 0.85))
"""Of the thing on the table, which differs from episode to episode."""


class Simulation:
    """One simulation that can begin again and again; a context manager, since it draws."""

    def __init__(self, task: str, width: int = 64, height: int = 64) -> None:
        """Build the scene of one of `TASKS`, to be drawn in `width` times `height` pixels.

        Raises:
            InputError: without the extra `robots`, or without a library that draws.
        """
        self.task = task
        self._mujoco = _mujoco()
        self._robot = _robot(task)
        self._robot.n_substeps = SUBSTEPS
        self._model, self._data = self._robot.model, self._robot.data
        self._paint()
        self._camera = self._mujoco.MjvCamera()
        for name, value in CAMERA.items():
            setattr(self._camera, name, value)
        self._camera.lookat[:] = LOOK_AT
        self._shown = self._mujoco.MjvOption()
        self._shown.sitegroup[:] = 0  # the marks of goals and joints
        self._renderer = _renderer(self._mujoco, self._model, width, height)

    def reset(self, seed: int) -> None:
        """Begin again: the seed puts the thing somewhere and gives it its colour."""
        self._robot.reset(seed=seed)
        rng = np.random.default_rng(seed)
        name = "object0" if self.task != "door" else door.PANEL
        paint = (*COLOURS[rng.integers(len(COLOURS))], 1)
        self._model.geom_matid[self._model.geom(name).id] = -1
        self._model.geom_rgba[self._model.geom(name).id] = paint
        if self.task == "door":
            door.place(self._model, self._data, rng)
        self._mujoco.mj_forward(self._model, self._data)

    def act(self, command: Float[np.ndarray, "4"]) -> None:
        """Let one frame pass under a command (`COMMANDS`)."""
        self._robot.step(np.asarray(command))

    @property
    def hand(self) -> Float[np.ndarray, "3"]:
        """Where the fingertips are, in metres."""
        return self._data.site("robot0:grip").xpos.copy()

    @property
    def thing(self) -> Float[np.ndarray, "3"]:
        """Where the middle of the cube, or the free edge of the door, is."""
        return self._data.site(door.EDGE if self.task == "door" else "object0").xpos.copy()

    @property
    def hinge(self) -> Float[np.ndarray, "3"]:
        """Where the door is held."""
        return self._data.body(door.POST).xpos.copy()

    def picture(self) -> UInt8[np.ndarray, "H W 3"]:
        """What the camera sees."""
        self._renderer.update_scene(self._data, self._camera, self._shown)
        return self._renderer.render().copy()

    def close(self) -> None:
        """Let go of what draws."""
        self._renderer.close()

    def _paint(self) -> None:
        """Calm colours; no shadows and no smoothing, which cost two thirds of the time."""
        model = self._model
        model.mat("floor_mat").rgba[:3] = FLOOR
        model.mat("table_mat").rgba[:3] = TABLE
        sky = model.tex_adr[0], model.tex_width[0] * model.tex_height[0]
        model.tex_data[sky[0] : sky[0] + 3 * sky[1]] = np.tile(WALL, sky[1])
        mocap = model.body("robot0:mocap").id
        model.geom_rgba[model.geom_bodyid == mocap, 3] = 0
        model.vis.quality.offsamples = 0
        model.vis.quality.shadowsize = 0


def _mujoco() -> Any:
    # OSMesa draws on any machine; MUJOCO_GL chooses another renderer.
    os.environ.setdefault("MUJOCO_GL", "osmesa")
    try:
        mujoco = importlib.import_module("mujoco")
        with contextlib.redirect_stderr(io.StringIO()):  # it prints news about other robots
            importlib.import_module("gymnasium_robotics")
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise InputError(
            f"the robot needs MuJoCo ({error}): pip install 'playworld[robots]' and, for drawing "
            "without a screen, apt-get install libosmesa6"
        ) from error
    return mujoco


def _renderer(mujoco: Any, model: Any, width: int, height: int) -> Any:
    model.vis.global_.offwidth, model.vis.global_.offheight = width, height
    try:
        return mujoco.Renderer(model, height, width)
    except (ImportError, AttributeError, RuntimeError, mujoco.FatalError) as error:
        raise InputError(
            f"MuJoCo cannot draw here ({error}): apt-get install libosmesa6, or set MUJOCO_GL "
            "to egl or glfw where there is a graphics card or a screen"
        ) from error


def _robot(task: str) -> Any:
    """The environment of gymnasium-robotics, ready to be stepped."""
    if task == "push":
        return _fetch("push").MujocoFetchPushEnv()
    if task == "pick":
        return _fetch("pick_and_place").MujocoFetchPickAndPlaceEnv()
    base = _fetch("fetch_env")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "door.xml"
        path.write_text(door.scene(Path(base.__file__).parents[1] / "assets"))
        return base.MujocoFetchEnv(
            model_path=str(path),
            initial_qpos=door.START,
            n_substeps=20,
            has_object=False,
            block_gripper=True,
            gripper_extra_height=0.2,
            target_in_the_air=True,
            target_offset=0.0,
            obj_range=0.15,
            target_range=0.15,
            distance_threshold=0.05,
            reward_type="sparse",
        )


def _fetch(name: str) -> Any:
    return importlib.import_module(f"gymnasium_robotics.envs.fetch.{name}")
