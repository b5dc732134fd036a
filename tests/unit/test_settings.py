"""Settings: every mistake is told at once, by the variable's name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from jibu.cli.config import reference
from jibu.cli.serve import hand_down
from jibu.domain.errors import Misconfigured
from jibu.settings import PREFIX, Settings, load
from jibu.wiring.services import build
from jibu.wiring.tokens import local_issuer

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without settings, and a folder to be in."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any setting: the dev profile on this machine alone, with embedded parts."""
    settings = load()
    assert (settings.profile, settings.host, settings.port, settings.workers) == ("dev", "127.0.0.1", 8080, 1)
    assert settings.relay
    monkeypatch.setenv("OTHER_PORT", "1")
    assert load() == settings


@pytest.mark.parametrize("name", ["JIBU_PROT", "JIBU_", "JIBU_AUTH_SECRET", "JIBU_PORT_", "jibu_prot"])
def test_an_unknown_variable_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A misspelt name never passes unnoticed, and the message says where the right ones are."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(Misconfigured, match=f"unknown setting {name}; see docs/reference/configuration.md"):
        load()


def test_all_unknown_variables_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to start three times for three mistakes."""
    monkeypatch.setenv("JIBU_B", "1")
    monkeypatch.setenv("JIBU_A", "1")
    with pytest.raises(Misconfigured, match="JIBU_A, JIBU_B"):
        load()


def test_variables_of_the_tests_are_not_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """JIBU_TEST_ is left to them."""
    monkeypatch.setenv("JIBU_TEST_FOLDER", "x")
    assert load() == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JIBU_PROFILE", "staging"),
        ("JIBU_PORT", "eighty"),
        ("JIBU_PORT", ""),
        ("JIBU_PORT", "65536"),
        ("JIBU_WORKERS", "0"),
        ("JIBU_INDEX", "weaviat"),
        ("JIBU_AUTH_LEEWAY_S", "-1"),
        ("JIBU_AUTH_LEEWAY_S", "nan"),
        ("JIBU_MAX_BODY_BYTES", "1"),
        ("JIBU_QUERY_TIMEOUT_S", "0"),
        ("JIBU_QUERY_TIMEOUT_S", "inf"),
        ("JIBU_DRAIN_TIMEOUT_S", "inf"),
        ("JIBU_ANSWERED_THRESHOLD", "1.01"),
        ("JIBU_RELAY", "perhaps"),
        ("JIBU_LOG_LEVEL", "loud"),
        ("JIBU_ALLOW_EMBEDDED", "yes please"),
    ],
)
def test_a_bad_value_is_refused_and_its_variable_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """One clear line."""
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=f"bad setting: {name}: ") as refused:
        load()
    assert "\n" not in str(refused.value)


def test_what_the_command_line_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """None means that an option was not given."""
    monkeypatch.setenv("JIBU_PORT", "9000")
    assert load(port=None).port == 9000
    assert load(port=9001).port == 9001


def test_settings_do_not_change() -> None:
    """Frozen."""
    with pytest.raises(ValidationError):
        load().port = 1  # type: ignore[misc]


def test_child_processes_read_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What serve hands down through the environment gives the same values, with the folder made absolute."""
    given = load(data_dir=Path("here"), port=9001, relay=False, workers=2, log_level="warning")
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
        monkeypatch.setenv(PREFIX + name.upper(), "x")
        monkeypatch.delenv(PREFIX + name.upper())
    hand_down(given)
    read = load()
    assert read.data_dir == tmp_path / "here"
    assert read.model_copy(update={"data_dir": given.data_dir}) == given


def production(**more: object) -> Settings:
    """Return settings of the production profile."""
    return load(profile="production", data_dir=Path("data"), **more)


def test_production_refuses_embedded_parts_unless_allowed() -> None:
    """The message names what is embedded and the setting that allows it; nothing is made on disk."""
    with pytest.raises(Misconfigured, match="JIBU_ALLOW_EMBEDDED=true"), build(production()):
        pass
    assert not Path("data").exists()


@pytest.mark.parametrize(
    "more", [{}, {"auth_issuer": "https://id.example"}, {"auth_jwks_url": "https://id.example/keys"}]
)
def test_production_refuses_the_local_token_issuer(more: dict[str, object]) -> None:
    """An issuer and its keys must be named, however embedded the rest may be."""
    settings = production(allow_embedded=True, **more)
    with pytest.raises(Misconfigured, match="JIBU_AUTH_ISSUER"), build(settings):
        pass
    with pytest.raises(Misconfigured):
        local_issuer(settings)
    assert not Path("data").exists()


def test_production_runs_embedded_where_allowed_by_name(tmp_path: Path) -> None:
    """One box: it works, says in its health what is embedded, and hands no tokens to the page."""
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": []}', encoding="utf-8")
    settings = production(allow_embedded=True, auth_issuer="https://id.example", auth_jwks_file=keys)
    with build(settings) as services:
        assert services.mint_token is None
        health = services.health.ready()
    assert health.ready
    assert any("index" in warning for warning in health.warnings)
    assert not any("issuer" in warning for warning in health.warnings)


def test_the_reference_is_in_step_with_the_settings() -> None:
    """docs/reference/configuration.md is what `jibu config` prints; each setting says what it means."""
    assert REFERENCE.read_text(encoding="utf-8") == reference()
    assert all(field.description for field in Settings.model_fields.values())
