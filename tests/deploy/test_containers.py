"""The files for containers: checked by the linters of their trades, and held to what IRIS promises of itself."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.metrics import REGISTRY
from bot.settings import RunSettings, load_settings, variables

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMPOSE = [ROOT / "compose.yaml", *sorted((ROOT / "deploy").glob("compose*.yaml"))]
LOCKS = [ROOT / "deploy" / "image.lock", ROOT / "deploy" / "build.lock"]
# Prefixes of variables that belong to others.
OURS = re.compile(r"\bIRIS_[A-Z_]+\b")


def _services() -> list[Any]:
    found = []
    for file in COMPOSE:
        services = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
        if "secrets" not in file.name:  # which only adds to another file
            found += [pytest.param(service, id=f"{file.stem}-{name}") for name, service in services.items()]
    return found


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([PROGRAMS / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.name)
def test_compose_files_keep_to_the_compose_specification(file: Path) -> None:
    command = [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", _services())
def test_every_service_is_limited_restarted_and_does_not_fill_the_disk(service: dict[str, Any]) -> None:
    assert service["restart"] == "unless-stopped"
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@pytest.mark.parametrize("service", [each for each in _services() if each.values[0]["image"].startswith("iris")])
def test_iris_runs_without_rights_and_is_asked_how_it_is(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges"]
    assert service["healthcheck"]["test"] == ["CMD", "iris", "health"]
    assert service["environment"]["IRIS_DATA"].startswith("/data/")
    assert [volume for volume in service["volumes"] if volume.endswith(":/data")]
    assert not service.get("ports")


def test_the_copies_of_the_big_installation_serve_every_shard_once() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.scale.yaml").read_text(encoding="utf-8"))["services"]
    ranges = [
        service["environment"]["IRIS_DISCORD_SHARDS"]
        for name, service in services.items()
        if name.startswith("discord")
    ]
    _assert_every_shard_once(ranges)


def _assert_every_shard_once(ranges: list[str]) -> None:
    found = [tuple(map(int, re.split("[-/]", each))) for each in ranges]
    assert len({count for *_, count in found}) == 1
    served = [shard for first, last, _ in found for shard in range(first, last + 1)]
    assert served == list(range(found[0][2]))


def test_no_published_port_but_the_proxys() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.scale.yaml").read_text(encoding="utf-8"))["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    for name in ("postgres", "valkey"):
        assert services[name]["networks"] == ["inside"]


@pytest.mark.parametrize(
    "file",
    [ROOT / "Dockerfile", *COMPOSE, *sorted((ROOT / "deploy").rglob("*.yaml")), ROOT / "docs" / "operations.md"],
    ids=lambda file: file.name,
)
def test_every_variable_that_is_set_is_one_that_iris_reads(file: Path) -> None:
    assert set(OURS.findall(file.read_text(encoding="utf-8"))) <= set(variables())


def test_an_env_file_made_from_the_example_leaves_the_data_on_the_volume(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in re.findall(r"(XDG_\w+)=(\S+)", DOCKERFILE):
        monkeypatch.setenv(name, value)
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for line in example.splitlines():
        if line.startswith("IRIS_"):
            monkeypatch.setenv(*line.split("=", 1))
    monkeypatch.setenv("IRIS_TELEGRAM_TOKEN", "123456789:" + 35 * "A")
    settings = load_settings(RunSettings)
    assert settings.data.is_relative_to("/data")
    assert settings.cache.is_relative_to("/data")


def test_the_build_is_given_what_it_copies_and_nothing_else() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == allowed
    # Last, so that nothing lets them in again.
    assert "**/.env*" in rules[-3:]


def test_every_image_is_named_with_a_version() -> None:
    named = [service.values[0]["image"] for service in _services()]
    assert not [image for image in named if not re.search(r":[0-9]", image) and not image.startswith("iris:")]


def _locked(file: Path) -> dict[str, str]:
    """Version of each package in a lock file, after a look at its hashes."""
    text = file.read_text(encoding="utf-8")
    assert "://" not in text  # where packages come from is the installation's business
    assert "--index" not in text
    parts = re.split(r"\n(?=\S)", text.strip())
    for part in parts:
        assert re.fullmatch(r"[\w.-]+==\S+( ; [^\n]*?)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\\n|$))+", part), part[
            :80
        ]
    return {part.split("==")[0]: part.split("==")[1].split()[0] for part in parts}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.name)
def test_what_is_locked_is_what_the_tests_ran_with(file: Path) -> None:
    tested = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.-]+)==([^\s;]+)", line):
            tested[_canonical(match[1])] = match[2]
    locked = _locked(file)
    assert {name: locked[name] for name in locked.keys() & tested.keys()} == {
        name: tested[name] for name in locked.keys() & tested.keys()
    }


def test_everything_that_iris_needs_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["scale"]]
    names = {_canonical(re.split(r"[\[<>=~! ;]", line)[0]) for line in needed}
    assert not names - _locked(LOCKS[0]).keys(), "Run: make lock"
    build = {"hatchling", "textstat"}
    assert not build - _locked(LOCKS[1]).keys(), "Run: make lock"


def test_licences_are_listed_for_everything_in_the_image() -> None:
    table = (ROOT / "deploy" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w.-]+) +\| ([^ |]+) +\| ([^|]+?) +\|", table, re.MULTILINE)
    listed = {_canonical(name): version for name, version, _ in rows if name != "Name"}
    locked = _locked(LOCKS[0])
    only_elsewhere = {"audioop-lts", "async-timeout"}  # for other versions of Python than the tests run with
    assert {name: version for name, version in locked.items() if name not in only_elsewhere} == listed
    assert not [row for row in rows if fnmatch.fnmatch(row[2], "*UNKNOWN*")]


def test_dashboard_and_alerts_ask_for_numbers_that_iris_has() -> None:
    offered = {sample.name for family in REGISTRY.collect() for sample in family.samples} | {
        f"{family.name}{end}" for family in REGISTRY.collect() for end in ("", "_total", "_bucket")
    }
    board = json.loads((ROOT / "deploy" / "grafana.json").read_text(encoding="utf-8"))
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus.rules.yaml").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(asked) > 20
    for expression in asked:
        assert set(re.findall(r"\b(?:iris|process)_\w+", expression)) <= offered, expression


@pytest.mark.parametrize("link", sorted(set(re.findall(r"`(deploy/[\w./]+)`", OPERATIONS))))
def test_files_that_the_operations_guide_names_are_there(link: str) -> None:
    assert (ROOT / link).exists()
