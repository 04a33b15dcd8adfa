from __future__ import annotations

import time

import pytest

from domain.content_policy import PATTERNS, redacted

FOUND = {
    "email": ["a.b+c@example.co.uk", "ü@host.example"],
    "phone": ["+49 (0) 30 / 123456", "0049-170-1234567", "+1 415 555 0123"],
    "credit_card": ["4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"],
    "ip_address": ["10.0.0.1", "192.168.100.200"],
}
LEFT = ["version 1.2.3", "the year 2026", "price 12.50", "user@", "@home", "DE 1234", "3.14159265358979", "sk-abc"]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in FOUND.items() for text in texts])
def test_what_a_name_stands_for_is_redacted(name: str, text: str) -> None:
    assert redacted(f'{{"content":"call {text}, now"}}', [name]) == f'{{"content":"call [{name}], now"}}'
    assert redacted(text, []) == text


def test_every_pattern_has_examples() -> None:
    assert FOUND.keys() == PATTERNS.keys()


@pytest.mark.parametrize("text", LEFT)
def test_other_text_stays(text: str) -> None:
    assert redacted(text, list(PATTERNS)) == text


@pytest.mark.parametrize("key", ["sk-0123456789abcdef", "Bearer abcdefghijklmnop", "Basic dXNlcjpwYXNzd29yZA=="])
def test_keys_are_always_redacted(key: str) -> None:
    assert redacted(f"my key is {key}!", []) == "my key is [key]!"


@pytest.mark.parametrize("piece", ["a", "1", "1 ", "a@", "@a.", "+1", "AB12 ", "1.", "00"])
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    redacted(piece * (512 * 1024 // len(piece)), list(PATTERNS))
    assert time.process_time() - started < 20
