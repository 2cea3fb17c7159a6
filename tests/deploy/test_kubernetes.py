"""The Kubernetes manifests: valid for every version that is still looked after, and consistent with each other."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.settings import RunSettings, load_settings

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
# From the first one that gives a StatefulSet's pods their number as a label for certain.
OLDEST, NEWEST = "1.32", kubernetes_validate.latest_version()
KEY = "app.kubernetes.io/name"

Manifest = dict[str, Any]


def _manifests() -> list[Manifest]:
    return [
        manifest
        for name in KUSTOMIZATION["resources"]
        for manifest in yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))
    ]


ALL = _manifests()
WORKLOADS = [manifest for manifest in ALL if "template" in manifest.get("spec", {})]
NAMES = [f"{manifest['kind']}-{manifest['metadata']['name']}" for manifest in ALL]


def _pod(manifest: Manifest) -> Manifest:
    pod: Manifest = manifest["spec"]["template"]["spec"]
    return pod


def _find(kind: str, name: str) -> Manifest:
    (found,) = [each for each in ALL if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("manifest", ALL, ids=NAMES)
def test_kubernetes_would_take_it(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_kustomize_is_given_every_file() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files


@pytest.mark.parametrize("manifest", WORKLOADS, ids=lambda each: each["metadata"]["name"])
def test_nothing_runs_with_more_rights_than_the_strictest_profile_of_kubernetes_gives(manifest: Manifest) -> None:
    pod = _pod(manifest)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["livenessProbe"]
        assert container["readinessProbe"]


def test_whatever_selects_pods_finds_some() -> None:
    labels = [manifest["spec"]["template"]["metadata"]["labels"][KEY] for manifest in WORKLOADS]
    for manifest in ALL:
        spec = manifest.get("spec", {})
        selector = spec.get("podSelector") or spec.get("selector") or {}
        wanted = {**selector, **selector.get("matchLabels", {})}.get(KEY)
        assert wanted is None or wanted in labels, manifest["metadata"]
        for expression in selector.get("matchExpressions", []):
            assert set(expression["values"]) <= set(labels), manifest["metadata"]
    target = _find("HorizontalPodAutoscaler", "iris-telegram")["spec"]["scaleTargetRef"]
    assert _find(target["kind"], target["name"])


def test_services_and_policies_name_ports_that_are_open() -> None:
    ports = {
        port["name"]: port["containerPort"]
        for each in WORKLOADS
        for c in _pod(each)["containers"]
        for port in c["ports"]
    }
    for manifest in ALL:
        if manifest["kind"] == "Service":
            for port in manifest["spec"]["ports"]:
                assert ports[port["targetPort"]] == port["port"]
        if manifest["kind"] == "NetworkPolicy":
            for rule in manifest["spec"].get("ingress", []):
                assert {port["port"] for port in rule["ports"]} <= set(ports.values())


def test_without_a_rule_nobody_reaches_anybody() -> None:
    policy = _find("NetworkPolicy", "nothing-else")["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_pod_of_discord_keeps_its_own_shards_and_together_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command as it stands in the manifest, with a program in place of IRIS that prints what it was told."""
    stateful = _find("StatefulSet", "iris-discord")
    (container,) = _pod(stateful)["containers"]
    program = tmp_path / "iris"
    program.write_text('#!/bin/sh\necho "$1 $IRIS_DISCORD_SHARDS $$"\n', encoding="utf-8")
    program.chmod(0o755)
    plain = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    monkeypatch.setenv("IRIS_TELEGRAM_TOKEN", "123456789:" + 35 * "A")
    served: list[int] = []
    for pod in range(stateful["spec"]["replicas"]):
        environment = {**plain, "POD_INDEX": str(pod), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        with subprocess.Popen(container["command"], env=environment, stdout=subprocess.PIPE, text=True) as process:
            output, _ = process.communicate()
        command, shards, pid = output.split()
        assert command == "run"
        assert int(pid) == process.pid  # no shell stands between Kubernetes and IRIS
        monkeypatch.setenv("IRIS_DISCORD_SHARDS", shards)
        found = load_settings(RunSettings).shards
        assert found is not None
        assert found.count == int(plain["SHARDS"])
        served += range(found.first, found.last + 1)
    assert served == list(range(int(plain["SHARDS"])))


def test_secrets_come_as_files_and_none_is_in_the_repository() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yaml"))
    assert "kind: Secret" not in text
    files = set(re.findall(r"/run/secrets/iris/(\w+)", text))
    told = (FOLDER.parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert files == set(re.findall(r"--from-file=(\w+)=", told))
