"""A door on the robot's table: a panel on a hinge that swings when the hand pushes it."""

from pathlib import Path
from typing import Any

import numpy as np

POST, HINGE, PANEL, EDGE = "post", "hinge", "panel", "edge"
START = {"robot0:slide0": 0.405, "robot0:slide1": 0.48, "robot0:slide2": 0.0}
"""Where the robot stands, as in the other tasks."""
PLACES = ((1.26, 1.34), (0.69, 0.81))
"""Bounds of where the post stands, x and y in metres."""
WIDTH = 0.16
"""Metres from the hinge to the free edge."""

SCENE = """
<mujoco>
  <compiler angle="radian" meshdir="{assets}/stls/fetch" texturedir="{assets}/textures"/>
  <option timestep="0.002"/>
  <include file="{assets}/fetch/shared.xml"/>
  <worldbody>
    <geom name="floor0" pos="0.8 0.75 0" size="0.85 0.7 1" type="plane" material="floor_mat"/>
    <body name="floor0" pos="0.8 0.75 0"><site name="target0" pos="0 0 0.5" size="0.02"/></body>
    <include file="{assets}/fetch/robot.xml"/>
    <body name="table0" pos="1.3 0.75 0.2">
      <geom size="0.25 0.35 0.2" type="box" mass="2000" material="table_mat"/>
    </body>
    <body name="{post}" pos="1.3 0.75 0.47">
      <geom type="cylinder" size="0.012 0.07" rgba="0.25 0.25 0.28 1" contype="0" conaffinity="0"/>
      <body>
        <joint name="{hinge}" type="hinge" axis="0 0 1" damping="0.15" frictionloss="0.02"/>
        <geom name="{panel}" type="box" pos="{half} 0 0" size="{half} 0.008 0.055" mass="0.3"/>
        <site name="{edge}" pos="{width} 0 0" size="0.01"/>
      </body>
    </body>
    <light directional="true" ambient="0.2 0.2 0.2" diffuse="0.8 0.8 0.8"
      specular="0.3 0.3 0.3" castshadow="false" pos="0 0 4" dir="0 0 -1"/>
  </worldbody>
  <actuator>
    <position ctrllimited="true" ctrlrange="0 0.2" joint="robot0:l_gripper_finger_joint"
      kp="30000" name="robot0:l_gripper_finger_joint"/>
    <position ctrllimited="true" ctrlrange="0 0.2" joint="robot0:r_gripper_finger_joint"
      kp="30000" name="robot0:r_gripper_finger_joint"/>
  </actuator>
</mujoco>
"""


def scene(assets: Path) -> str:
    """The scene in MuJoCo's language; robot and meshes come from gymnasium-robotics."""
    return SCENE.format(
        assets=assets,
        post=POST,
        hinge=HINGE,
        panel=PANEL,
        edge=EDGE,
        width=WIDTH,
        half=WIDTH / 2,
    )


def place(model: Any, data: Any, rng: np.random.Generator) -> None:
    """Put the post somewhere on the table, and open the door by some angle."""
    model.body(POST).pos[:2] = [rng.uniform(*bounds) for bounds in PLACES]
    data.joint(HINGE).qpos[0] = rng.uniform(-np.pi, np.pi)
