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
const maker = (setup, model = "gpt-image") => (over = {}) =>
  setup.client.images.generate({ model: setup.model(model), prompt, ...over });
const editor = (setup) => (over = {}) => setup.client.images.edit({ model: setup.model("gpt-image"), prompt, ...over });
const files = async (setup) =>
  (await setup.seen()).files.map((file) => [file.name, file.filename]);

// Width and height of a PNG in base64, which is whole.
function sizeOf(text) {
  const content = Buffer.from(text, "base64");
  assert.equal(content.subarray(1, 4).toString(), "PNG");
  assert.equal(content.subarray(-8, -4).toString(), "IEND");
  return `${content.readUInt32BE(16)}x${content.readUInt32BE(20)}`;
}

export default {
  async generate_base64(setup) {
    const answer = await maker(setup)({ size: "1536x1024", quality: "low" });
    assert.deepEqual(answer.data.map((image) => sizeOf(image.b64_json)), ["1536x1024"]);
    assert.deepEqual([answer.size, answer.quality], ["1536x1024", "low"]);
    assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
    const older = await maker(setup, "dall-e-3")({ size: "1024x1024", response_format: "b64_json" });
    assert.equal(sizeOf(older.data[0].b64_json), "1024x1024");
  },

  async generate_url(setup) {
    for (const over of [{}, { response_format: "url" }]) {
      const [image] = (await maker(setup, "dall-e-3")({ size: "1024x1024", ...over })).data;
      // A model simulated inside the proxy has no address of its own.
      assert.match(image.url, setup.upstream ? /^http:/ : /^data:image\/png;base64,/);
    }
  },

  async generate_several(setup) {
    const { data } = await maker(setup)({ n: 3, size: "1024x1024" });
    assert.deepEqual(data.map((image) => sizeOf(image.b64_json)), Array(3).fill("1024x1024"));
  },

  async generate_streamed(setup) {
    const events = await collect(await maker(setup)({ size: "1024x1024", stream: true, partial_images: 2 }));
    const kinds = ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"];
    assert.deepEqual(events.map((event) => event.type), kinds);
    assert.deepEqual(events.slice(0, -1).map((event) => event.partial_image_index), [0, 1]);
    assert.ok(events.every((event) => sizeOf(event.b64_json) === "1024x1024"));
  },

  async generate_failures_inside_streams_are_raised(setup) {
    for (const simulator of [{ error_in_stream: 1 }, { cut_after: 1 }]) {
      await refused(APIError, () => maker(setup)({ stream: true, partial_images: 2, simulator }), true);
    }
  },

  async edit_an_image(setup) {
    const { data } = await editor(setup)({ image: await picture("basin.png"), size: "1024x1024" });
    assert.equal(sizeOf(data[0].b64_json), "1024x1024");
    if (setup.upstream) assert.deepEqual(await files(setup), [["image", "basin.png"]]);
  },

  async edit_several_images(setup) {
    const image = [await picture("one.png"), await picture("two.png")];
    assert.equal((await editor(setup)({ image, n: 2, size: "1024x1024" })).data.length, 2);
    if (setup.upstream) assert.deepEqual(await files(setup), [["image[]", "one.png"], ["image[]", "two.png"]]);
  },

  async edit_with_a_mask(setup) {
    const over = { image: await picture("basin.png"), mask: await picture("mask.png"), size: "1024x1024" };
    assert.equal((await editor(setup)(over)).data.length, 1);
    if (setup.upstream) assert.deepEqual((await files(setup)).sort(), [["image", "basin.png"], ["mask", "mask.png"]]);
  },

  async edit_streamed(setup) {
    const over = { image: await picture("basin.png"), size: "1024x1024", stream: true, partial_images: 1 };
    const events = await collect(await editor(setup)(over));
    assert.deepEqual(events.map((event) => event.type), ["image_edit.partial_image", "image_edit.completed"]);
    assert.ok(events.every((event) => sizeOf(event.b64_json) === "1024x1024"));
  },

  async refusals(setup) {
    assert.equal((await refused(BadRequestError, () => maker(setup)({ n: 0 }))).param, "n");
    assert.equal((await refused(BadRequestError, () => maker(setup)({ size: "banana" }))).param, "size");
  },
};
