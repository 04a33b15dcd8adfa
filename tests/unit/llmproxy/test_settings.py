from __future__ import annotations

from pathlib import Path

import pytest

from application.serving.secret_sources import SecretSources
from domain.reserved_env_vars import is_own_setting
from infra.audit_log.cosmos import CosmosAuditLog
from infra.catalog_store import cosmos, cosmos_history
from infra.content_log.cosmos import CosmosContentLog
from infra.health_store.cosmos import CosmosHealthStore
from infra.lease_store.cosmos import CosmosLeaseStore
from infra.secrets.env import EnvironmentSecrets
from infra.usage_store.cosmos import _SPEC as LEDGER
from llmproxy.settings import OTHER_CONTAINERS, Settings, SettingsError, load_environment, load_settings

NOWHERE = Path("there-is-no-such-file")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_every_setting_is_closed_to_documents() -> None:
    assert [name for name in Settings.model_fields if not is_own_setting(name.upper())] == []


@pytest.mark.parametrize(
    "name", ["COSMOS_KEY", "cosmos-key", "LLMPROXY-DEMO-KEY", "Data_Dir", "HOST", "AZURE_CLIENT_SECRET"]
)
def test_own_settings_are_never_secrets(name: str) -> None:
    assert SecretSources([EnvironmentSecrets({name: "x", name.upper().replace("-", "_"): "x"})])(name) is None


def test_defaults_need_nothing() -> None:
    assert load_settings(NOWHERE).port == 8000


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=1111\nHOST=10.0.0.1\nAZURE_OPENAI_API_KEY=from-file\n", encoding="utf-8")
    monkeypatch.setenv("PORT", "2222")
    settings = load_settings(file)
    assert (settings.port, settings.host) == (2222, "10.0.0.1")
    assert load_environment(file)["AZURE_OPENAI_API_KEY"] == "from-file"


def test_production_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=1111\n", encoding="utf-8")
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert load_settings(file).port == 8000
    assert "PORT" not in load_environment(file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("LLMPROXY_TYPO", "1"),
        ("LLMPROXY_MAX_BODY_BYTES", "0"),
        ("LLMPROXY_LOG_LEVEL", "LOUD"),
        ("AUTH", "maybe"),
        ("COSMOS_URL", "http://plain.example"),
        ("COSMOS_URL", "https://a.example/path"),
        ("COSMOS_KEY", "not base64!"),
        ("COSMOS_DATABASE_ID", "a/b"),
        ("COSMOS_CONTAINER_ID", "a#b"),
        ("COSMOS_CONTAINER_ID", "projects"),
        ("LLMPROXY_COSMOS_THROUGHPUT", "1500"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        load_settings(NOWHERE)
    assert "\n" not in str(caught.value)
    assert len(value) < 6 or value == "projects" or value not in str(caught.value)


def test_cosmos_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(NOWHERE)
    assert (settings.cosmos_url, settings.cosmos_database_id, settings.cosmos_container_id) == (
        None,
        "llm-proxy",
        "models",
    )
    monkeypatch.setenv("COSMOS_URL", "https://account.documents.azure.com:443/")
    monkeypatch.setenv("COSMOS_KEY", "c2VjcmV0LWtleQ==")
    settings = load_settings(NOWHERE)
    assert "c2VjcmV0" not in repr(settings)
    monkeypatch.setenv("DATA_DIR", ":memory:")
    with pytest.raises(SettingsError, match="DATA_DIR=:memory:"):
        load_settings(NOWHERE)


def test_unverified_tls_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMPROXY_COSMOS_VERIFY_TLS", "false")
    assert load_settings(NOWHERE).llmproxy_cosmos_verify_tls is False
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SettingsError, match="LLMPROXY_COSMOS_VERIFY_TLS"):
        load_settings(NOWHERE)


def test_a_typo_in_the_file_stops_the_start_too(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("LLMPROXY_TYPO=1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="LLMPROXY_TYPO"):
        load_settings(file)


def test_no_authentication_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH", "off")
    assert load_settings(NOWHERE).auth == "off"
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SettingsError, match="AUTH=off"):
        load_settings(NOWHERE)


def test_the_demo_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(Settings(llmproxy_demo_key="sk-secret"))


def test_a_file_in_another_encoding_is_reported(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=8001\n", encoding="utf-16")  # as some shells write it
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(file)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unreadable_certificates_are_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("LLMPROXY_CA_FILE", str(file))
    with pytest.raises(SettingsError, match="LLMPROXY_CA_FILE"):
        load_settings(NOWHERE)


def test_containers_that_are_not_for_models_are_those_of_the_adapters() -> None:
    specs = {
        spec.name
        for spec in (CosmosAuditLog.spec, CosmosContentLog.spec, CosmosHealthStore.spec, CosmosLeaseStore.spec, LEDGER)
    }
    assert {cosmos.PROJECTS, cosmos.ADMINISTRATORS, cosmos_history.CONTAINER} | specs == OTHER_CONTAINERS


def test_another_file_of_settings_is_read_in_production_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own.env").write_text("PORT=8001\nHOST=127.0.0.2\n", "utf-8")
    monkeypatch.setenv("LLMPROXY_ENV_FILE", str(tmp_path / "own.env"))
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("HOST", "127.0.0.3")
    settings = load_settings(NOWHERE)
    assert (settings.port, settings.host) == (8001, "127.0.0.3")
    monkeypatch.setenv("LLMPROXY_ENV_FILE", str(tmp_path / "other.env"))
    with pytest.raises(SettingsError, match="is not a file"):
        load_settings(NOWHERE)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [("[", "not JSON"), ("[]", "object"), ('{"faults": [{"type": "dely"}]}', "did you mean 'delay'"), ("{}", "faults")],
)
def test_a_mistake_in_faults_of_the_settings_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, value: str, wrong: str
) -> None:
    monkeypatch.setenv("LLMPROXY_CHAOS_ENGINEERING", value)
    with pytest.raises(SettingsError, match=wrong):
        load_settings(NOWHERE)


def test_faults_of_the_settings_may_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMPROXY_CHAOS_ENGINEERING", '{"faults": [{"type": "delay"}]}')
    with pytest.raises(SettingsError, match="LLMPROXY_CHAOS=off"):
        load_settings(NOWHERE)
    monkeypatch.setenv("LLMPROXY_CHAOS_ENGINEERING", '{"chaos_engineering": {"enabled": false}}')
    assert load_settings(NOWHERE).llmproxy_chaos_engineering == {"enabled": False}


def test_limits_of_every_project_are_read_as_documents_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMPROXY_LIMITS", '{"rpm": "100/minute", "models": {"gpt-4o": {"tpm": 5}}}')
    limits = Settings().llmproxy_limits
    assert limits is not None
    assert (limits.rpm, limits.models[0][1].tpm) == (100, 5)
    for wrong, named in (("{", "not JSON"), ('{"rpm": 0}', "rpm"), ('{"rmp": 1}', "rmp")):
        monkeypatch.setenv("LLMPROXY_LIMITS", wrong)
        with pytest.raises(SettingsError, match=f"LLMPROXY_LIMITS.*{named}"):
            load_settings()
