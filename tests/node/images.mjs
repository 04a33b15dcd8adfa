// Images: made and edited, by models of both generations.

import assert from "node:assert/strict";
import { APIError, BadRequestError, toFile } from "openai";
import { collect, refused } from "./harness.mjs";

const prompt = "A basin full of amber";

// A grey square.
const SQUARE =
  "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAAD0lEQVR4nGNoQAMMI1sAAAUMgAFaSOXNAAAAAElFTkSuQmCC";
export const png = () => Buffer.from(SQUARE, "base64");

const picture = (name) => toFile(png(), name, { type: "image/png" });
const maker = (door, model = "gpt-image") => (over = {}) =>
  door.client.images.generate({ model: door.model(model), prompt, ...over });
const editor = (door) => (over = {}) => door.client.images.edit({ model: door.model("gpt-image"), prompt, ...over });
const files = async (door) =>
  (await door.seen()).files.map((file) => [file.name, file.filename]);

// Width and height of a PNG in base64, which is whole.
function sizeOf(text) {
  const content = Buffer.from(text, "base64");
  assert.equal(content.subarray(1, 4).toString(), "PNG");
  assert.equal(content.subarray(-8, -4).toString(), "IEND");
  return `${content.readUInt32BE(16)}x${content.readUInt32BE(20)}`;
}

export default {
  async generate_base64(door) {
    const answer = await maker(door)({ size: "1536x1024", quality: "low" });
    assert.deepEqual(answer.data.map((image) => sizeOf(image.b64_json)), ["1536x1024"]);
    assert.deepEqual([answer.size, answer.quality], ["1536x1024", "low"]);
    assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
    const older = await maker(door, "dall-e-3")({ size: "1024x1024", response_format: "b64_json" });
    assert.equal(sizeOf(older.data[0].b64_json), "1024x1024");
  },

  async generate_url(door) {
    for (const over of [{}, { response_format: "url" }]) {
      const [image] = (await maker(door, "dall-e-3")({ size: "1024x1024", ...over })).data;
      // What is served inside the gateway has no address of its own.
      assert.match(image.url, door.upstream ? /^http:/ : /^data:image\/png;base64,/);
    }
  },

  async generate_several(door) {
    const { data } = await maker(door)({ n: 3, size: "1024x1024" });
    assert.deepEqual(data.map((image) => sizeOf(image.b64_json)), Array(3).fill("1024x1024"));
  },

  async generate_streamed(door) {
    const events = await collect(await maker(door)({ size: "1024x1024", stream: true, partial_images: 2 }));
    const kinds = ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"];
    assert.deepEqual(events.map((event) => event.type), kinds);
    assert.deepEqual(events.slice(0, -1).map((event) => event.partial_image_index), [0, 1]);
    assert.ok(events.every((event) => sizeOf(event.b64_json) === "1024x1024"));
  },

  async generate_failures_inside_streams_are_raised(door) {
    for (const simulator of [{ error_in_stream: 1 }, { cut_after: 1 }]) {
      await refused(APIError, () => maker(door)({ stream: true, partial_images: 2, simulator }), true);
    }
  },

  async edit_an_image(door) {
    const { data } = await editor(door)({ image: await picture("basin.png"), size: "1024x1024" });
    assert.equal(sizeOf(data[0].b64_json), "1024x1024");
    if (door.upstream) assert.deepEqual(await files(door), [["image", "basin.png"]]);
  },

  async edit_several_images(door) {
    const image = [await picture("one.png"), await picture("two.png")];
    assert.equal((await editor(door)({ image, n: 2, size: "1024x1024" })).data.length, 2);
    if (door.upstream) assert.deepEqual(await files(door), [["image[]", "one.png"], ["image[]", "two.png"]]);
  },

  async edit_with_a_mask(door) {
    const over = { image: await picture("basin.png"), mask: await picture("mask.png"), size: "1024x1024" };
    assert.equal((await editor(door)(over)).data.length, 1);
    if (door.upstream) assert.deepEqual((await files(door)).sort(), [["image", "basin.png"], ["mask", "mask.png"]]);
  },

  async edit_streamed(door) {
    const over = { image: await picture("basin.png"), size: "1024x1024", stream: true, partial_images: 1 };
    const events = await collect(await editor(door)(over));
    assert.deepEqual(events.map((event) => event.type), ["image_edit.partial_image", "image_edit.completed"]);
    assert.ok(events.every((event) => sizeOf(event.b64_json) === "1024x1024"));
  },

  async refusals(door) {
    assert.equal((await refused(BadRequestError, () => maker(door)({ n: 0 }))).param, "n");
    assert.equal((await refused(BadRequestError, () => maker(door)({ size: "banana" }))).param, "size");
  },
};
