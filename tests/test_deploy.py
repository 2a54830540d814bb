"""What deploy/ says about the command line, the metrics and the checkout is true."""

import importlib
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from playworld.cli.parser import parse
from playworld.cli.serve import Serve

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"


def instructions() -> list[tuple[str, str]]:
    """Those of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def test_the_image_copies_only_what_is_there_and_not_ignored():
    kept = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    ]
    sources = [
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    assert sorted(sources) == sorted(kept) and len(kept) > 4
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_runs_without_rights_is_checked_and_is_pinned():
    made = instructions()
    names = [name for name, _ in made]
    last_stage = made[len(names) - 1 - names[::-1].index("FROM") :]
    (user,) = [rest for name, rest in last_stage if name == "USER"]
    assert user not in ("root", "0") and f"--create-home {user}" in dict(last_stage)["RUN"]
    check = json.loads(dict(last_stage)["HEALTHCHECK"].split("CMD", 1)[1])
    compile(check[2], "health", "exec")
    installs = [part for _, rest in made for part in rest.split("&&") if " install " in part]
    assert installs and all("-c constraints.txt" in install for install in installs)


def started(command: list[str]) -> Serve:
    entry = json.loads(dict(instructions())["ENTRYPOINT"])
    assert entry[:2] == ["playworld", "serve"]
    return parse("serve", [*entry[2:], *command])


def test_the_image_starts_a_command_that_exists():
    serve = started(json.loads(dict(instructions())["CMD"]))
    assert (serve.worlds, serve.options.host) == (("coinrun",), "0.0.0.0")


def test_compose_starts_a_command_that_exists_and_trusts_its_own_network():
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    service = compose["services"]["playworld"]
    command = [re.sub(r"\$\{SITE:-(\w+)\}", r"\1", word) for word in service["command"]]
    options = started(command).options
    assert (
        options.forwarded_allow_ips == compose["networks"]["default"]["ipam"]["config"][0]["subnet"]
    )
    assert options.token_file == Path("/run/secrets/token")
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    mounted = [volume.split(":")[0] for volume in compose["services"]["proxy"]["volumes"]]
    assert [name for name in mounted if name[0] == "." and not (DEPLOY / name).exists()] == []


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_an_example_names_a_command_that_exists(name):
    (line,) = re.findall(r"^#\s+(playworld serve .*)$", (DEPLOY / name).read_text(), re.MULTILINE)
    assert parse("serve", shlex.split(line)[2:]).options.root_path == "/worlds"


def serve_config() -> dict:
    return yaml.safe_load((DEPLOY / "ray.yaml").read_text())


def kuberay() -> dict:
    service, *_ = yaml.safe_load_all((DEPLOY / "kuberay.yaml").read_text())
    return service["spec"]


@pytest.mark.needs("ray_serve")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own code
@pytest.mark.parametrize("where", ["ray", "kuberay"])
def test_a_configuration_of_ray_builds_the_application(where):
    config = serve_config() if where == "ray" else yaml.safe_load(kuberay()["serveConfigV2"])
    from ray.serve.schema import ServeDeploySchema

    (app,) = ServeDeploySchema(**config).applications
    module, name = app.import_path.split(":")
    built = getattr(importlib.import_module(module), name)(app.args)
    assert [built._bound_deployment.name] == [deployment.name for deployment in app.deployments]


def test_the_version_of_ray_is_the_one_that_the_tests_pass_with():
    (version,) = re.findall(r"^ray==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert kuberay()["rayClusterConfig"]["rayVersion"] == version
    assert f"FROM rayproject/ray:{version}-" in (DEPLOY / "Dockerfile.ray").read_text()
