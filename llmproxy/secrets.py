"""The sources of secrets that the settings ask for."""

from __future__ import annotations

from collections.abc import Mapping

from application.ports.secrets import Secrets
from application.serving.secret_sources import SecretSources
from infra.clients.key_vault import KeyVault
from infra.secrets.env import EnvironmentSecrets
from infra.secrets.files import FileSecrets
from infra.secrets.key_vault import KeyVaultSecrets
from llmproxy.settings import Settings


def make_secrets(settings: Settings, environment: Mapping[str, str]) -> SecretSources:
    """Return the sources: the environment, files, and the key vault if there is one. Opens no connection.

    Args:
        settings: name the folder of files and the vault.
        environment: the variables.
    """
    sources: list[Secrets] = [
        EnvironmentSecrets(environment),
        FileSecrets(environment, settings.llmproxy_secrets_dir),
    ]
    if settings.llmproxy_key_vault_url is not None:
        ca_file = None if settings.llmproxy_ca_file is None else str(settings.llmproxy_ca_file)
        sources.append(KeyVaultSecrets(KeyVault(settings.llmproxy_key_vault_url, ca_file)))
    return SecretSources(sources)
