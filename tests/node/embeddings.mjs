// Embeddings, of every kind of input and in both encodings.

import assert from "node:assert/strict";
import { BadRequestError } from "openai";
import { refused } from "./harness.mjs";

const createAt = (setup) => (over = {}) =>
  setup.client.embeddings.create({ model: setup.model("embedding"), input: "the amber basin", ...over });
const vectorOf = async (setup, over) => (await createAt(setup)(over)).data[0].embedding;
const isUnit = (vector) => Math.abs(Math.hypot(...vector) - 1) < 1e-4;

export default {
  async a_text(setup) {
    const answer = await createAt(setup)();
    assert.equal(answer.model, setup.model("embedding"));
    assert.ok(isUnit(answer.data[0].embedding));
    assert.ok(answer.usage.prompt_tokens > 0);
    assert.equal(answer.usage.prompt_tokens, answer.usage.total_tokens);
  },

  async a_list_of_texts(setup) {
    const { data } = await createAt(setup)({ input: ["the amber basin", "the other", "the amber basin"] });
    assert.deepEqual(data.map((found) => found.index), [0, 1, 2]);
    assert.deepEqual(data[0].embedding, data[2].embedding);
    assert.notDeepEqual(data[0].embedding, data[1].embedding);
  },

  async tokens(setup) {
    const answer = await createAt(setup)({ input: [1, 2, 3, 4] });
    assert.ok(isUnit(answer.data[0].embedding));
    assert.equal(answer.usage.prompt_tokens, 4);
    if (setup.upstream) assert.deepEqual((await setup.seen()).body.input, [1, 2, 3, 4]);
  },

  async lists_of_tokens(setup) {
    const answer = await createAt(setup)({ input: [[1, 2, 3, 4], [5, 6]] });
    assert.ok(answer.data.length === 2 && answer.data.every((found) => isUnit(found.embedding)));
    assert.equal(answer.usage.prompt_tokens, 6);
  },

  async base64_by_default(setup) {
    const vector = await vectorOf(setup);
    assert.ok(vector.every((number) => typeof number === "number"));
    if (setup.upstream) assert.equal((await setup.seen()).body.encoding_format, "base64");
    const text = await vectorOf(setup, { encoding_format: "base64" });
    assert.equal(Buffer.from(text, "base64").length, 4 * vector.length);
  },

  async floats_are_the_same_numbers(setup) {
    const [floats, decoded] = [await vectorOf(setup, { encoding_format: "float" }), await vectorOf(setup)];
    assert.equal(floats.length, decoded.length);
    assert.ok(floats.every((number, index) => Math.abs(number - decoded[index]) < 1e-6));
  },

  async dimensions(setup) {
    for (const over of [{}, { encoding_format: "float" }]) {
      const vector = await vectorOf(setup, { dimensions: 64, ...over });
      assert.equal(vector.length, 64);
      assert.ok(isUnit(vector));
    }
  },

  async refusals(setup) {
    for (const input of [[], "", { a: 1 }, Array(2049).fill("a")]) {
      assert.equal((await refused(BadRequestError, () => createAt(setup)({ input }))).param, "input");
    }
  },
};
