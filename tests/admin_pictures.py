"""Pictures of the pages at ``/admin`` for docs/admin: ``python -m tests.admin_pictures`` writes them all anew.

Each page in English and light, in Portuguese and dark, and some on a phone.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import httpx
import openai

from tests.fakes.browser import PHONE, AdminBrowser, chromium
from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated, upstream
from tests.fakes.processes import wait_until
from tests.tools import ROOT

FOLDER = ROOT / "docs" / "admin"
SMALL = {"width": 1120, "height": 760}
PAGES = {
    "overview": "/admin",
    "models": "/admin/models",
    "model": "/admin/models/document?id=gpt-4o-azure-eastus2",
    "projects": "/admin/projects",
    "project": "/admin/projects/project?id=tests",
    "usage": "/admin/usage",
    "calls": "/admin/calls",
    "call": "",
    "health": "/admin/health",
    "explain": "/admin/explain?model=gpt-4o&project=tests",
    "chaos": "/admin/chaos",
    "load-test": "/admin/load-test",
    "audit": "/admin/audit",
    "settings": "/admin/settings?changed=on",
}
_LOOKS = (("en", "light", "en-US"), ("pt-BR", "dark", "pt-BR"))


def _documents() -> Sequence[dict[str, object]]:
    def priced(code: str, read: float, written: float, **over: object) -> dict[str, object]:
        costs = {"currency": "USD", "cost_input_1Mtokens": read, "cost_output_1Mtokens": written}
        return simulated(code, costs=costs, **over)

    away = upstream("gpt-4o", "http://127.0.0.1:9/v1", id="gpt-4o-openai", priority=2, provider="OpenAI")
    real = {"currency": "BRL", "cost_input_1Mtokens": 15, "cost_output_1Mtokens": 60}
    return (
        priced("gpt-4o", 2.5, 10, id="gpt-4o-azure-eastus2", name="GPT-4o, East US 2", provider="Azure", priority=1),
        away,
        priced("gpt-5-mini", 0.25, 2, provider="Azure"),
        priced("claude-sonnet-4.5", 3, 15, provider="Google"),
        priced("deepseek-v3.1-terminus-azure-foundry-brazilsouth-batch-lane2", 0.42, 1.25, provider="Azure"),
        simulated("sabia-3", costs=real, private=True, projects=["brasil"], provider="Maritaca"),
        simulated("whisper-large-v3", costs={"currency": "BRL"}, provider="Local"),
    )


def _server(folder: Path) -> LLMProxy:
    proxy = LLMProxy(folder, *_documents(), variables={"LLMPROXY_CHAOS": "on"})
    for project in ("search", "brasil"):
        proxy.create_key(project)
    proxy.command("projects", "set-limits", "tests", "--rpm", "600", "--tpm", "1200000", "--concurrency", "40")
    proxy.follow()
    keys = {name: proxy.create_key(name) for name in ("tests", "search", "brasil")}
    proxy.follow()
    clients = {name: openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=key) for name, key in keys.items()}
    calls = [("tests", "gpt-4o", 24), ("search", "gpt-5-mini", 30), ("tests", "claude-sonnet-4.5", 9)]
    for project, model, count in [*calls, ("brasil", "sabia-3", 12)]:
        for _ in range(count):
            text = [{"role": "user", "content": "Explain in one sentence what a boleto is. " * 40}]
            clients[project].chat.completions.create(model=model, messages=text, user="u_58210")  # type: ignore[arg-type]  # a literal would repeat OpenAI's types
    proxy.command("projects", "set-budget", "tests", "0.04", "--alert-at", "0.5", "--soft")
    proxy.command("projects", "set-budget", "search", "5", "--alert-at", "0.8")
    fault = {"type": "delay", "target": "gpt-4o-openai", "probability": 0.3, "duration_ms": 2000}
    plan = {"models": ["gpt-5-mini"], "project": "search", "target_rps": 3, "duration_minutes": 0.05}
    experiment = {"experiment_name": "OpenAI is slow", "faults": [fault]}
    for path, body in (("chaos", experiment), ("load-test", plan)):
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        httpx.post(f"{proxy.url}/api/{path}/start", json=body, headers=headers).raise_for_status()
    wait_until(lambda: sum(row["calls"] for row in proxy.usage()) == 84, what="the ledger lines")
    proxy.follow()
    return proxy


def _take(admin: AdminBrowser, name: str, language: str, theme: str) -> None:
    path = PAGES[name]
    if not path:
        admin.open("/admin/calls")
        path = admin.page.locator("tbody th a").first.get_attribute("href") or ""
    admin.open(path)
    admin.page.screenshot(path=FOLDER / f"{name}-{language}-{theme}.png")


def main() -> None:
    """Write the pictures."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        proxy = _server(Path(folder))
        for language, theme, locale in _LOOKS:
            admin = AdminBrowser(browser, proxy, locale=locale, color_scheme=theme, viewport=SMALL)
            for name in PAGES:
                _take(admin, name, language, theme)
            admin.close()
        phone = AdminBrowser(browser, proxy, viewport=PHONE)
        for name in ("overview", "project", "usage"):
            _take(phone, name, "en", "phone")
        phone.close()
        signed_out = AdminBrowser(browser, proxy, key=None, viewport=SMALL)
        signed_out.open("/admin/login")
        signed_out.page.screenshot(path=FOLDER / "login-en-light.png")
        signed_out.close()
        proxy.stop()
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{len(list(FOLDER.iterdir()))} pictures, {total / 1e6:.1f} MB")  # noqa: T201 - its output


if __name__ == "__main__":
    main()
