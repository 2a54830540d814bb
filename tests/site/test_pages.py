"""What publishes the site of the built-in worlds."""

import re
import shlex
from pathlib import Path

import yaml

from playworld.cli.parser import parse
from playworld.world.folder import built_in_worlds

ROOT = Path(__file__).parents[2]


def test_the_script_writes_all_built_in_worlds_in_one_site():
    script = (ROOT / "runs/site.sh").read_text().replace('"${1:-pages}"', "pages")
    (line,) = re.findall("^playworld export (.*)", script, re.MULTILINE)
    export = parse("export", shlex.split(line))
    assert sorted((export.world, *export.also)) == sorted(built_in_worlds())


def test_the_workflow_publishes_what_the_script_writes_with_no_more_rights_than_needed():
    workflow = yaml.safe_load((ROOT / ".github/workflows/pages.yml").read_text())
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert any(step.get("run", "").endswith("sh runs/site.sh pages") for step in build["steps"])
    assert build["steps"][-1]["with"]["path"] == "pages"
    assert publish["needs"] == "build" and "permissions" not in build
    assert workflow["permissions"] == {"contents": "read"}
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}


def test_every_action_has_a_version():
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        uses = re.findall(r"uses: (\S+)", path.read_text())
        assert [name for name in uses if not re.search(r"@v\d+$", name)] == []
