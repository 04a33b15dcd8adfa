"""The manifests of ``deploy/kubernetes`` and the schemas of Kubernetes' API. Neither kustomize nor a cluster is run."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from llmproxy.settings import Settings
from tests.tools import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
RENDERED = ("base", "overlays/azure", "overlays/monitoring")
FOREIGN = {"SecretProviderClass", "ServiceMonitor"}
"""Kinds of other projects, for which Kubernetes has no schema."""
VERSIONS = ("1.30", kubernetes_validate.latest_version())
KEYED = {"containers": "name", "volumes": "name", "volumeMounts": "mountPath", "ports": "name"}
"""Lists that a patch merges by a member of their entries, as Kubernetes documents it."""

Manifest = dict[str, Any]


def documents(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


def merged(base: Any, patch: Any, name: str = "") -> Any:
    """Apply a strategic merge patch, as far as ours use it."""
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        changed = {key: merged(base[key], value, key) if key in base else value for key, value in patch.items()}
        return {**base, **changed}
    if isinstance(base, list) and isinstance(patch, list) and name in KEYED:
        key, found = KEYED[name], list(base)
        for entry in patch:
            same = [number for number, each in enumerate(found) if each[key] == entry[key]]
            if same:
                found[same[0]] = merged(found[same[0]], entry)
            else:
                found.append(entry)
        return found
    return patch


def rendered(folder: Path) -> list[Manifest]:
    """Return the resources of a kustomization."""
    (kustomization,) = documents(folder / "kustomization.yaml")
    assert kustomization["kind"] == "Kustomization"
    assert kustomization.keys() <= {"apiVersion", "kind", "namespace", "resources", "patches", "images"}
    found: list[Manifest] = []
    for name in kustomization["resources"]:
        path = (folder / name).resolve()
        found += rendered(path) if path.is_dir() else documents(path)
    for row in kustomization.get("patches", ()):
        for patch in documents(folder / row["path"]):
            (number,) = [n for n, each in enumerate(found) if identity(each) == identity(patch)]
            found[number] = merged(found[number], patch)
    return found


def identity(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]


def named(manifests: list[Manifest], kind: str, name: str = "llmproxy") -> Manifest:
    (found,) = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def pods() -> Iterator[tuple[str, Manifest]]:
    for folder in RENDERED:
        for manifest in rendered(FOLDER / folder):
            if manifest["kind"] == "Deployment":
                yield f"{folder} {manifest['metadata']['name']}", manifest["spec"]["template"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", RENDERED)
def test_manifests_fit_the_schema_of_the_api(folder: str, version: str) -> None:
    manifests = rendered(FOLDER / folder)
    assert len({identity(each) for each in manifests}) == len(manifests) >= 9
    for manifest in manifests:
        if manifest["kind"] not in FOREIGN:
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "replica"), 3),
        (("spec", "replicas"), "three"),
        (("spec", "template", "spec", "containers", 0, "livenesProbe"), {}),
        (("spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"), "http"),
        (("spec", "template", "spec", "securityContext", "runAsNonroot"), True),
    ],
    ids=lambda value: str(value[-1]) if isinstance(value, tuple) else "",
)
def test_a_broken_manifest_is_found(path: tuple[str | int, ...], value: object) -> None:
    manifest = copy.deepcopy(named(rendered(FOLDER / "base"), "Deployment"))
    *parents, last = path
    place: Any = manifest
    for parent in parents:
        place = place[parent]
    place[last] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


def test_every_file_is_part_of_a_kustomization() -> None:
    listed = set()
    for folder in RENDERED:
        (kustomization,) = documents(FOLDER / folder / "kustomization.yaml")
        names = [*kustomization["resources"], *(row["path"] for row in kustomization.get("patches", ()))]
        listed |= {(FOLDER / folder / name).resolve() for name in ("kustomization.yaml", *names)}
    assert {path.resolve() for path in FOLDER.rglob("*.yaml")} == {path for path in listed if path.is_file()}


def test_settings_and_secrets_exist_and_no_secret_is_a_setting() -> None:
    for folder in RENDERED:
        manifests = rendered(FOLDER / folder)
        data = named(manifests, "ConfigMap")["data"]
        for name in data:
            assert name.lower() in Settings.model_fields
            assert not name.endswith(("_KEY", "_SECRET"))
        for provider in (each for each in manifests if each["kind"] == "SecretProviderClass"):
            (secret,) = provider["spec"]["secretObjects"]
            listed = provider["spec"]["parameters"]["objects"]
            for row in secret["data"]:
                assert f"objectName: {row['objectName']}\n" in listed
                assert row["key"] == row["objectName"].replace("-", "_")
                assert row["key"].lower() in Settings.model_fields or row["key"] == "OPENAI_API_KEY"


def test_pods_are_restricted_and_have_time_to_drain() -> None:
    (data,) = {tuple(named(rendered(FOLDER / folder), "ConfigMap")["data"].items()) for folder in RENDERED}
    settings = dict(data)
    delays = float(settings["LLMPROXY_DRAIN_DELAY"]) + float(settings["LLMPROXY_DRAIN_SECONDS"])
    for name, pod in pods():
        spec, (container,) = pod["spec"], pod["spec"]["containers"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"], name
        assert {mount["mountPath"] for mount in container["volumeMounts"]} >= {settings["DATA_DIR"], "/tmp"}  # noqa: S108 - of the container
        if container["args"] == ["serve"]:
            assert spec["terminationGracePeriodSeconds"] >= delays + 20
            ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
            assert ports == {"http": settings["PORT"], "metrics": settings["LLMPROXY_METRICS_PORT"]}
            assert {container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} == {"http"}


def test_selectors_find_the_pods() -> None:
    for folder in RENDERED:
        manifests = rendered(FOLDER / folder)
        labels = named(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
        assert named(manifests, "Service")["spec"]["selector"].items() <= labels.items()
        assert named(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert named(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "llmproxy"
        for monitor in (each for each in manifests if each["kind"] == "ServiceMonitor"):
            service = named(manifests, "Service")
            assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
            ports = {port["name"] for port in service["spec"]["ports"]}
            assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= ports
