// Errors of every operation, as the classes of errors that applications catch.

import assert from "node:assert/strict";
import { AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError, toFile } from "openai";
import { refused } from "./harness.mjs";
import { png } from "./images.mjs";

const image = await toFile(png(), "a.png", { type: "image/png" });
const file = await toFile(Buffer.from("RIFF\x24\0\0\0WAVE", "latin1"), "a.wav", { type: "audio/wav" });

// Path, the model for it, and what makes a small call with further members.
const operations = (client) => [
  ["chat/completions", "chat", (m) => client.chat.completions.create({ messages: [{ role: "user", content: "hi" }], ...m })],
  ["completions", "chat", (m) => client.completions.create({ prompt: "hi", ...m })],
  ["responses", "chat", (m) => client.responses.create({ input: "hi", ...m })],
  ["embeddings", "embedding", (m) => client.embeddings.create({ input: "hi", ...m })],
  ["images/generations", "gpt-image", (m) => client.images.generate({ prompt: "hi", ...m })],
  ["images/edits", "gpt-image", (m) => client.images.edit({ prompt: "hi", image, ...m })],
  ["audio/speech", "speech", (m) => client.audio.speech.create({ input: "hi", voice: "alloy", ...m })],
  ["audio/transcriptions", "transcribe", (m) => client.audio.transcriptions.create({ file, ...m })],
  ["audio/translations", "whisper", (m) => client.audio.translations.create({ file, ...m })],
];

export default {
  async a_wrong_key(setup) {
    for (const [path, kind, call] of operations(setup.another("sk-wrong"))) {
      const error = await refused(AuthenticationError, () => call({ model: setup.model(kind) }));
      assert.equal(error.code, "invalid_api_key", path);
      assert.ok(error.requestID, path);
    }
  },

  async an_unknown_model(setup) {
    for (const [path, , call] of operations(setup.client)) {
      for (const model of ["nobody-knows", "private"]) {
        const error = await refused(NotFoundError, () => call({ model }));
        assert.deepEqual([error.code, error.param, error.type], ["model_not_found", "model", "invalid_request_error"], path);
      }
    }
  },

  async an_operation_that_the_model_does_not_offer(setup) {
    for (const [path, kind, call] of operations(setup.client)) {
      const [other, offers] = kind === "chat" ? ["embedding", "/v1/embeddings"] : ["chat", "/v1/chat/completions"];
      const error = await refused(BadRequestError, () => call({ model: setup.model(other) }));
      assert.ok(error.message.includes(`/v1/${path}`) && error.message.includes(offers), error.message);
      assert.equal(error.param, "model", path);
    }
  },

  async an_error_of_the_upstream_is_kept(setup) {
    for (const [path, kind, call] of operations(setup.client)) {
      const isForm = /edits|transcriptions|translations/.test(path); // whose fields are texts
      const ask = (orders) => () => call({ model: setup.model(kind), simulator: isForm ? JSON.stringify(orders) : orders });
      const limited = await refused(RateLimitError, ask({ status: 429, retry_after: 2 }));
      assert.equal(limited.headers.get("retry-after"), "2", path);
      await refused(InternalServerError, ask({ status: 500 }));
    }
  },

  async request_ids(setup) {
    for (const [path, kind, call] of operations(setup.client)) {
      if (path.startsWith("audio/")) continue; // a small upload is no sound, and speech is the bytes themselves
      assert.ok((await call({ model: setup.model(kind) }))._request_id, path);
    }
  },
};
