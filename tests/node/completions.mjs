// Legacy completions: a prompt, no messages.

import assert from "node:assert/strict";
import { APIError } from "openai";
import { collect, refused } from "./harness.mjs";

const prompt = "Tell me about the amber basin";
// With more than the default of 16 tokens.
const createAt = (setup) => (over = {}) =>
  setup.client.completions.create({ model: setup.model(), prompt, max_tokens: 200, ...over });

export default {
  async plain(setup) {
    const answer = await createAt(setup)();
    assert.equal(answer.object, "text_completion");
    assert.equal(answer.model, setup.model());
    assert.ok(answer.choices[0].text.length > 20);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  },

  async stream_says_the_same(setup) {
    const chunks = await collect(await createAt(setup)({ stream: true }));
    assert.ok(chunks.length > 2);
    assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(""), (await createAt(setup)()).choices[0].text);
    assert.ok(chunks.every((chunk) => !chunk.usage));
  },

  async usage_only_where_asked(setup) {
    const chunks = await collect(await createAt(setup)({ stream: true, stream_options: { include_usage: true } }));
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.ok(chunks.at(-1).usage.completion_tokens > 0);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.choices.length && chunk.usage === null));
  },

  async several_prompts_and_choices(setup) {
    const indexes = async (over) => (await createAt(setup)(over)).choices.map((choice) => choice.index);
    assert.deepEqual(await indexes({ prompt: [prompt, "And the other one?"] }), [0, 1]);
    assert.deepEqual(await indexes({ n: 3 }), [0, 1, 2]);
  },

  async prompts_of_tokens(setup) {
    const answer = await createAt(setup)({ prompt: [1, 2, 3, 4, 5] });
    assert.ok(answer.choices[0].text);
    assert.equal(answer.usage.prompt_tokens, 5);
    if (setup.upstream) assert.deepEqual((await setup.seen()).body.prompt, [1, 2, 3, 4, 5]);
  },

  async ceiling(setup) {
    const answer = await createAt(setup)({ max_tokens: 5 });
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.usage.completion_tokens, 5);
  },

  async failures_inside_streams_are_raised(setup) {
    for (const orders of [{ error_in_stream: 3 }, { cut_after: 3 }]) {
      await refused(APIError, () => createAt(setup)({ stream: true, simulator: orders }), true);
    }
  },
};
