"""Fetches ONNX Runtime Web while the project is built: see src/playworld/site/fetch.py."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RuntimeHook(BuildHookInterface):
    """The files are wanted, not needed: without them everything but `playworld export` works."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the files of a wheel, an editable one, or a source archive are listed."""
        module = runpy.run_path(str(Path(self.root, "src/playworld/site/fetch.py")))
        try:
            module["fetch"]()
        except (module["CannotFetch"], OSError) as error:
            self.app.display_warning(f"built without ONNX Runtime Web, as {error}")
