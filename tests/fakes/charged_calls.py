"""Bodies of calls and the prices that they are charged by, for tests of the meter."""

from __future__ import annotations

from tests.builders import form, recording

JSON = b"application/json"
BY_UNIT: dict[str, object] = {"cost_1Mcharacters": 15, "cost_minute": 0.006, "cost_image": 0.04}
BY_TOKEN: dict[str, object] = {"cost_input_1Mtokens": 1, "cost_output_1Mtokens": 2}
TEXTS = {"input": b'"12345678"', "voice": b'"alloy"'}
IMAGES = {"prompt": b'"a cat"', "n": b"2", "size": b'"512x512"'}
UPLOAD = form(("model", "sim"), ("file", recording(3000)))
NO_AUDIO = form(("model", "sim"), ("file", b"x" * 32_000))
