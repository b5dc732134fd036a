"""docker-compose.yml against the Compose specification's schema, and against what Jibu promises of it."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jibu.settings import PREFIX, Settings, load
from jibu.wiring.safety import refuse_unsafe

ROOT = Path(__file__).parents[2]
IMAGES = re.compile(r"^ARG \w+=(\S+)$", re.MULTILINE)
PINNED = re.compile(r"[\w./-]+:\d+\.\d+[\w.-]*")
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)\}")
SECRET_WORDS = ("password", "secret", "token", "api_key", "apikey_allowed", "passwd")
ONCE = {"migrate", "models"}
"""They do one thing and end."""


def dotenv() -> dict[str, str]:
    """Return what .env.example says."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(value: Any, said: dict[str, str]) -> Any:
    """Put the variables in, as Compose does. Raises: KeyError for one that is neither said nor has a default."""
    if isinstance(value, dict):
        return {name: filled(each, said) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, said) for each in value]
    if not isinstance(value, str):
        return value

    def one(found: re.Match[str]) -> str:
        default = found["default"]
        return said[found["name"]] if default is None else said.get(found["name"], default)

    return VARIABLE.sub(one, value)


RAW = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = filled(RAW, dotenv())["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("jibu-bb:")]


def test_it_follows_the_compose_specification() -> None:
    """The specification's own JSON schema, as the package check-jsonschema carries it."""
    vendored = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(filled(RAW, dotenv()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(RAW | {"services": {"jibu": {"imagge": "x"}}})


def test_the_set_is_whole() -> None:
    """Each part that a deployment needs is there."""
    assert {"jibu", "relay", "migrate", "models", "postgres", "weaviate", "ollama", "kafka"} == set(SERVICES)
    assert set(OURS) == {"jibu", "relay", "migrate", "models"}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_bounded_and_has_no_rights(name: str) -> None:
    """Limits, a user without rights, no capability, no new privilege, a file system that is only read."""
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name != "kafka")
    assert service["logging"]["options"]["max-size"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_says_whether_it_is_well(name: str) -> None:
    """A health check for what goes on running; what runs once is waited for instead."""
    service = SERVICES[name]
    if name in ONCE:
        assert service["restart"] == "no"
        assert SERVICES["jibu"]["depends_on"][name] == {"condition": "service_completed_successfully"}
        return
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} < set(service["healthcheck"])


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_pinned(name: str) -> None:
    """By version; one that is built here is named after the version that is in it."""
    assert PINNED.fullmatch(SERVICES[name]["image"])
    assert ("build" in SERVICES[name]) is SERVICES[name]["image"].startswith("jibu-")


def test_the_images_that_are_built_stand_on_pinned_ones() -> None:
    """And what Compose calls them says so."""
    dockerfile = (ROOT / "docs" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    bases = IMAGES.findall(dockerfile)
    assert len(bases) == dockerfile.count("\nARG ") == 3
    assert all(PINNED.fullmatch(base) for base in bases)
    versions = {base.rpartition("/")[2].partition(":")[0]: base.rpartition(":")[2] for base in bases}
    for name in ("weaviate", "ollama"):
        assert SERVICES[name]["image"] == f"jibu-{name}:{versions[name]}"
    targets = set(re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE))
    assert {s["build"]["target"] for s in SERVICES.values() if "build" in s} <= targets
    for target in ("jibu", "weaviate", "ollama"):
        stage = dockerfile.split(f" AS {target}\n")[1].split("\nFROM ")[0]
        assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE)[-1] == SERVICES[target]["user"]


def test_only_jibu_is_published_and_on_loopback() -> None:
    """The others stand in networks without a way out; Ollama alone has one, to fetch models."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"jibu": ["127.0.0.1:8080:8080"]}
    closed = {name for name, network in RAW["networks"].items() if (network or {}).get("internal")}
    for name, service in SERVICES.items():
        way_out = {"jibu": {"front"}, "relay": {"front"}, "ollama": {"outside"}}.get(name, set())
        assert set(service["networks"]) - closed == way_out


def test_no_secret_is_written_down() -> None:
    """Secrets are files; no variable and no default holds one."""
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if any(word in variable.lower() for word in SECRET_WORDS):
                assert value in {"true", "false", "jibu"} or value.startswith("/run/secrets/"), (
                    name,
                    variable,
                )
        for secret in service.get("secrets", []):
            assert RAW["secrets"][secret]["file"].startswith("./secrets/")
    assert not any(word in name.lower() for name in dotenv() for word in SECRET_WORDS)
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_secrets_and_volumes_that_are_named_are_there_and_used() -> None:
    """No name is misspelt, none is left over."""
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(RAW["secrets"])
    mounted = {v.partition(":")[0] for service in SERVICES.values() for v in service.get("volumes", [])}
    assert mounted == set(RAW["volumes"])
    joined = {network for service in SERVICES.values() for network in service["networks"]}
    assert joined == set(RAW["networks"])


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_ones_that_jibu_takes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each variable is a setting, the values are valid together, and a secret that a setting names is given."""
    environment = SERVICES[name]["environment"]
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    assert set(environment) <= known
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
        if value.startswith("/run/secrets/"):
            assert value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"]
    settings = load()
    assert settings.profile == "production"
    address = tmp_path / "database-url"
    address.write_text("postgresql://jibu:x@postgres:5432/jibu\n", encoding="utf-8")
    refuse_unsafe(settings.model_copy(update={"database_url_file": address}))
    assert (settings.index, settings.embedder, settings.broker) == ("weaviate", "ollama", "kafka")


def test_weaviate_is_set_as_its_guide_says() -> None:
    """Each variable of the guide has its value here; the key is read from its file."""
    guide = (ROOT / "docs" / "how-to" / "use-weaviate.md").read_text(encoding="utf-8")
    advised = dict(re.findall(r"^([A-Z_]+)=(\S+)", guide.split("```bash")[1].split("```")[0], re.MULTILINE))
    del advised["AUTHENTICATION_APIKEY_ALLOWED_KEYS"]
    assert advised["AUTOSCHEMA_ENABLED"] == "false"
    assert advised.items() <= SERVICES["weaviate"]["environment"].items()


def test_postgres_is_well_only_where_others_reach_it() -> None:
    """While its image sets the database up it listens on a socket alone: `migrate` would come too soon and end."""
    test = SERVICES["postgres"]["healthcheck"]["test"]
    assert test[test.index("-h") + 1] == "127.0.0.1"
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_a_start_needs_no_registry_of_models() -> None:
    """All wait for `models`: fetching again what is there would keep a set without a way out from starting."""
    assert SERVICES["models"]["command"] == ["models", "pull", "--missing"]


def test_every_variable_is_explained() -> None:
    """What Compose asks for is in .env.example, and nothing else is."""
    asked = {
        found["name"]
        for found in VARIABLE.finditer((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    }
    assert asked == set(dotenv())
    with pytest.raises(KeyError):
        filled(RAW, {})
