// Transcriptions and translations of an upload, in every format of the answer.

import assert from "node:assert/strict";
import { BadRequestError, toFile } from "openai";
import { collect, refused } from "./harness.mjs";
import { bytesOf } from "./speech.mjs";

const CUE = String.raw`\d\d:\d\d:\d\d[.,]\d{3} --> \d\d:\d\d:\d\d[.,]\d{3}`;
const sounds = {};

async function soundOf(setup) {
  sounds[setup.name] ??= await bytesOf(setup, { response_format: "wav" });
  return toFile(sounds[setup.name], "said.wav", { type: "audio/wav" });
}

// One channel of 24,000 samples of two bytes per second, behind 44 bytes of header.
const secondsOf = (setup) => (sounds[setup.name].length - 44) / 48_000;
const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 0.01 * wanted + 0.01, `${found}, not ${wanted}`);
const write = async (setup, model, over = {}) =>
  setup.client.audio.transcriptions.create({ model: setup.model(model), file: await soundOf(setup), ...over });
const translate = async (setup, over = {}) =>
  setup.client.audio.translations.create({ model: setup.model("whisper"), file: await soundOf(setup), ...over });

export default {
  async json(setup) {
    const answer = await write(setup, "transcribe");
    assert.ok(answer.text.length > 10);
    assert.equal(answer.usage.type, "tokens");
    assert.ok(answer.usage.input_token_details.audio_tokens > 0);
    const timed = await write(setup, "whisper");
    assert.equal(timed.usage.type, "duration");
    assert.ok(Math.abs(timed.usage.seconds - secondsOf(setup)) <= 1);
  },

  async text(setup) {
    const text = await write(setup, "whisper", { response_format: "text" });
    assert.equal(text.trim(), (await write(setup, "whisper")).text);
  },

  async srt(setup) {
    assert.match(await write(setup, "whisper", { response_format: "srt" }), new RegExp(`^1\r?\n${CUE}`));
  },

  async vtt(setup) {
    assert.match(await write(setup, "whisper", { response_format: "vtt" }), new RegExp(`^WEBVTT[^]*${CUE}`));
  },

  async verbose_json_with_timestamps(setup) {
    const over = { response_format: "verbose_json", timestamp_granularities: ["word", "segment"] };
    const answer = await write(setup, "whisper", over);
    near(answer.duration, secondsOf(setup));
    assert.deepEqual(answer.words.map((word) => word.word), answer.text.match(/\w+/g));
    assert.ok(answer.segments.length > 0);
    if (setup.upstream) {
      const sent = (await setup.seen()).fields.filter((field) => field.name === "timestamp_granularities[]");
      assert.deepEqual(sent.map((field) => field.value), ["word", "segment"]);
    }
  },

  async diarized_json(setup) {
    const over = { response_format: "diarized_json", chunking_strategy: "auto" };
    const answer = await write(setup, "transcribe", over);
    assert.ok(answer.segments.length > 0 && answer.segments.every((segment) => segment.speaker));
  },

  async logprobs(setup) {
    const answer = await write(setup, "transcribe", { include: ["logprobs"] });
    assert.equal(answer.logprobs.map((token) => token.token).join(""), answer.text);
  },

  async streamed(setup) {
    const events = await collect(await write(setup, "transcribe", { stream: true }));
    assert.equal(events.at(-1).type, "transcript.text.done");
    const deltas = events.filter((event) => event.type === "transcript.text.delta").map((event) => event.delta);
    assert.ok(deltas.length > 1);
    assert.equal(deltas.join(""), events.at(-1).text);
  },

  async translation_json(setup) {
    assert.ok((await translate(setup)).text.length > 10);
    near((await translate(setup, { response_format: "verbose_json" })).duration, secondsOf(setup));
  },

  async translation_text_srt_vtt(setup) {
    const { text } = await translate(setup);
    assert.equal((await translate(setup, { response_format: "text" })).trim(), text);
    assert.match(await translate(setup, { response_format: "srt" }), new RegExp(`^1\r?\n${CUE}`));
    assert.match(await translate(setup, { response_format: "vtt" }), /^WEBVTT/);
  },

  async refusals(setup) {
    const wrong = async (over) => (await refused(BadRequestError, () => write(setup, "transcribe", over))).param;
    assert.equal(await wrong({ file: await toFile(Buffer.alloc(0), "empty.wav", { type: "audio/wav" }) }), "file");
    const note = Buffer.from("this is no sound at all, but a text");
    await wrong({ file: await toFile(note, "note.mp3", { type: "audio/mpeg" }) });
    await wrong({ response_format: "banana" });
  },
};
