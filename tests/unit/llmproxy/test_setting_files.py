"""Settings of a configuration file and of files with one secret each."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmproxy.settings import Settings, SettingsError, load_settings

NOWHERE = Path("there-is-no-such-file")
KEY = "an-administrators-key-of-32-characters-and-more"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("LLMPROXY_SECRETS_DIR", str(tmp_path / "secrets"))


def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    monkeypatch.setenv("LLMPROXY_CONFIG", str(file))
    return file


def test_a_file_has_settings_in_any_case_and_json_as_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(
        tmp_path,
        monkeypatch,
        """
        port: 9001
        LLMPROXY_RETRIES: 4
        llmproxy_metrics: false
        llmproxy_budget_exposure: 0.05
        llmproxy_limits: {rpm: 60, models: {"gpt-4o": {rpm: 6}}}
        llmproxy_admin_key:
        """,
    )
    settings = load_settings(NOWHERE)
    assert (settings.port, settings.llmproxy_retries, settings.llmproxy_metrics) == (9001, 4, False)
    assert str(settings.llmproxy_budget_exposure) == "0.05"
    assert settings.llmproxy_limits is not None
    assert settings.llmproxy_limits.rpm == 60
    assert settings.llmproxy_admin_key is None


def test_the_environment_and_a_dotenv_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(tmp_path, monkeypatch, "port: 9001\nhost: 10.0.0.9\nllmproxy_retries: 4\n")
    dotenv = tmp_path / ".env"
    dotenv.write_text("HOST=10.0.0.8\nPORT=9002\n", "utf-8")
    monkeypatch.setenv("PORT", "9003")
    settings = load_settings(dotenv)
    assert (settings.port, settings.host, settings.llmproxy_retries) == (9003, "10.0.0.8", 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("llmproxy_retires: 4", "did you mean 'LLMPROXY_RETRIES'?"),
        ("OPENAI_API_KEY: sk-1", "unknown setting"),
        ("port: 70000", "PORT in "),
        ("port: [", "line 1"),
        ("- port", "expected settings"),
        ("port: 1\nPORT: 2", "set twice"),
        ("llmproxy_env_file: x", "belongs into the environment"),
        ("llmproxy_limits: {rpn: 1}", "LLMPROXY_LIMITS in "),
        ("!!python/object/apply:os.getcwd []", "line 1"),
        ("auth: off\nenvironment: production", "AUTH=off is refused"),
    ],
)
def test_a_fault_is_named_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    configured(tmp_path, monkeypatch, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(NOWHERE)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(tmp_path, monkeypatch, "").unlink()
    with pytest.raises(SettingsError, match=r"config\.yaml cannot be read"):
        load_settings(NOWHERE)


def test_production_in_the_file_does_not_let_a_dotenv_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(tmp_path, monkeypatch, "environment: production\n")
    assert load_settings(NOWHERE).environment == "production"
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=1\n", "utf-8")
    with pytest.raises(SettingsError, match="set ENVIRONMENT itself"):
        load_settings(dotenv)


@pytest.mark.parametrize("named", [True, False])
def test_a_secret_of_the_settings_may_be_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, named: bool
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    file = folder / ("other-name" if named else "LLMPROXY_ADMIN_KEY")
    file.write_text(KEY + "\n", "utf-8")
    if named:
        monkeypatch.setenv("LLMPROXY_ADMIN_KEY_FILE", str(file))
    (folder / "PORT").write_text("1", "utf-8")  # not a secret
    settings = load_settings(NOWHERE)
    assert settings.llmproxy_admin_key is not None
    assert settings.llmproxy_admin_key.get_secret_value() == KEY
    assert settings.port == 8000
    monkeypatch.setenv("LLMPROXY_ADMIN_KEY", "x" + KEY)
    again = load_settings(NOWHERE)
    assert again.llmproxy_admin_key is not None
    assert again.llmproxy_admin_key.get_secret_value() == "x" + KEY
    monkeypatch.delenv("LLMPROXY_ADMIN_KEY")
    file.unlink()
    if named:
        with pytest.raises(SettingsError, match="LLMPROXY_ADMIN_KEY_FILE"):
            load_settings(NOWHERE)
    else:
        assert load_settings(NOWHERE).llmproxy_admin_key is None
