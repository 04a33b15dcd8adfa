// Speech, in every format, as it is made.

import assert from "node:assert/strict";
import { BadRequestError } from "openai";
import { collect, refused } from "./harness.mjs";

const input = "The amber basin lies still in the evening, and nobody says a word about it.";
const formats = {
  mp3: [/^audio\/mpeg/, /^(ID3|\xff[\xf2\xf3\xfa\xfb])/],
  opus: [/^audio\/(ogg|opus)/, /^OggS/],
  aac: [/^audio\/aac/, /^\xff[\xf1\xf9]/],
  flac: [/^audio\/flac/, /^fLaC/],
  wav: [/^audio\/(x-)?wav/, /^RIFF/],
  pcm: [/^audio\/(pcm|L16)/, /^/],
};

const createAt = (setup) => (over = {}) =>
  setup.client.audio.speech.create({ model: setup.model("speech"), voice: "alloy", input, ...over });

export async function bytesOf(setup, over) {
  return Buffer.from(await (await createAt(setup)(over)).arrayBuffer());
}

function check(response_format) {
  return async (setup) => {
    const [kind, magic] = formats[response_format];
    const answer = await createAt(setup)({ response_format });
    assert.match(answer.headers.get("content-type"), kind);
    const content = Buffer.from(await answer.arrayBuffer());
    assert.ok(content.length > 200);
    assert.match(content.subarray(0, 4).toString("latin1"), magic);
    assert.ok((await bytesOf(setup, { response_format, input: input.repeat(4) })).length > 2 * content.length);
  };
}

export default {
  ...Object.fromEntries(Object.keys(formats).map((name) => [name, check(name)])),

  async chunk_by_chunk(setup) {
    const over = { input: input.repeat(20), response_format: "pcm" };
    const chunks = await collect((await createAt(setup)(over)).body);
    assert.ok(chunks.length > 2);
    assert.ok(Buffer.concat(chunks).equals(await bytesOf(setup, over)));
  },

  async events(setup) {
    const answer = await createAt(setup)({ stream_format: "sse", response_format: "wav" });
    const lines = (await answer.text()).split("\n").filter((line) => line.startsWith("data: {"));
    const events = lines.map((line) => JSON.parse(line.slice(6)));
    assert.equal(events.at(-1).type, "speech.audio.done");
    assert.ok(events.at(-1).usage.output_tokens > 0);
    const sound = Buffer.concat(events.slice(0, -1).map((event) => Buffer.from(event.audio, "base64")));
    assert.ok(sound.equals(await bytesOf(setup, { response_format: "wav" })));
  },

  async refusals(setup) {
    for (const [param, value] of Object.entries({ voice: "nobody-at-all", response_format: "banana", input: "" })) {
      assert.equal((await refused(BadRequestError, () => createAt(setup)({ [param]: value }))).param, param);
    }
  },
};
