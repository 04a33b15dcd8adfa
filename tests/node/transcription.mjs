// Transcriptions and translations of an upload, in every format of the answer.

import assert from "node:assert/strict";
import { BadRequestError, toFile } from "openai";
import { collect, refused } from "./harness.mjs";
import { bytesOf } from "./speech.mjs";

const CUE = String.raw`\d\d:\d\d:\d\d[.,]\d{3} --> \d\d:\d\d:\d\d[.,]\d{3}`;
const sounds = {};

async function soundOf(door) {
  sounds[door.name] ??= await bytesOf(door, { response_format: "wav" });
  return toFile(sounds[door.name], "said.wav", { type: "audio/wav" });
}

// The voice is one channel of 24,000 samples of two bytes a second, behind 44 bytes of header.
const secondsOf = (door) => (sounds[door.name].length - 44) / 48_000;
const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 0.01 * wanted + 0.01, `${found}, not ${wanted}`);
const write = async (door, model, over = {}) =>
  door.client.audio.transcriptions.create({ model: door.model(model), file: await soundOf(door), ...over });
const translate = async (door, over = {}) =>
  door.client.audio.translations.create({ model: door.model("whisper"), file: await soundOf(door), ...over });

export default {
  async json(door) {
    const answer = await write(door, "transcribe");
    assert.ok(answer.text.length > 10);
    assert.equal(answer.usage.type, "tokens");
    assert.ok(answer.usage.input_token_details.audio_tokens > 0);
    const timed = await write(door, "whisper");
    assert.equal(timed.usage.type, "duration");
    assert.ok(Math.abs(timed.usage.seconds - secondsOf(door)) <= 1);
  },

  async text(door) {
    const text = await write(door, "whisper", { response_format: "text" });
    assert.equal(text.trim(), (await write(door, "whisper")).text);
  },

  async srt(door) {
    assert.match(await write(door, "whisper", { response_format: "srt" }), new RegExp(`^1\r?\n${CUE}`));
  },

  async vtt(door) {
    assert.match(await write(door, "whisper", { response_format: "vtt" }), new RegExp(`^WEBVTT[^]*${CUE}`));
  },

  async verbose_json_with_timestamps(door) {
    const over = { response_format: "verbose_json", timestamp_granularities: ["word", "segment"] };
    const answer = await write(door, "whisper", over);
    near(answer.duration, secondsOf(door));
    assert.deepEqual(answer.words.map((word) => word.word), answer.text.match(/\w+/g));
    assert.ok(answer.segments.length > 0);
    if (door.upstream) {
      const sent = (await door.seen()).fields.filter((field) => field.name === "timestamp_granularities[]");
      assert.deepEqual(sent.map((field) => field.value), ["word", "segment"]);
    }
  },

  async diarized_json(door) {
    const over = { response_format: "diarized_json", chunking_strategy: "auto" };
    const answer = await write(door, "transcribe", over);
    assert.ok(answer.segments.length > 0 && answer.segments.every((segment) => segment.speaker));
  },

  async logprobs(door) {
    const answer = await write(door, "transcribe", { include: ["logprobs"] });
    assert.equal(answer.logprobs.map((token) => token.token).join(""), answer.text);
  },

  async streamed(door) {
    const events = await collect(await write(door, "transcribe", { stream: true }));
    assert.equal(events.at(-1).type, "transcript.text.done");
    const deltas = events.filter((event) => event.type === "transcript.text.delta").map((event) => event.delta);
    assert.ok(deltas.length > 1);
    assert.equal(deltas.join(""), events.at(-1).text);
  },

  async translation_json(door) {
    assert.ok((await translate(door)).text.length > 10);
    near((await translate(door, { response_format: "verbose_json" })).duration, secondsOf(door));
  },

  async translation_text_srt_vtt(door) {
    const { text } = await translate(door);
    assert.equal((await translate(door, { response_format: "text" })).trim(), text);
    assert.match(await translate(door, { response_format: "srt" }), new RegExp(`^1\r?\n${CUE}`));
    assert.match(await translate(door, { response_format: "vtt" }), /^WEBVTT/);
  },

  async refusals(door) {
    const wrong = async (over) => (await refused(BadRequestError, () => write(door, "transcribe", over))).param;
    assert.equal(await wrong({ file: await toFile(Buffer.alloc(0), "empty.wav", { type: "audio/wav" }) }), "file");
    const note = Buffer.from("this is no sound at all, but a text");
    await wrong({ file: await toFile(note, "note.mp3", { type: "audio/mpeg" }) });
    await wrong({ response_format: "banana" });
  },
};
