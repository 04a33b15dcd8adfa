// Legacy completions: a prompt, no messages.

import assert from "node:assert/strict";
import { APIError } from "openai";
import { collect, refused } from "./harness.mjs";

const prompt = "Tell me about the amber basin";
// With more room than the 16 tokens of old.
const createAt = (door) => (over = {}) =>
  door.client.completions.create({ model: door.model(), prompt, max_tokens: 200, ...over });

export default {
  async plain(door) {
    const answer = await createAt(door)();
    assert.equal(answer.object, "text_completion");
    assert.equal(answer.model, door.model());
    assert.ok(answer.choices[0].text.length > 20);
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  },

  async stream_says_the_same(door) {
    const chunks = await collect(await createAt(door)({ stream: true }));
    assert.ok(chunks.length > 2);
    assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(""), (await createAt(door)()).choices[0].text);
    assert.ok(chunks.every((chunk) => !chunk.usage));
  },

  async usage_only_where_asked(door) {
    const chunks = await collect(await createAt(door)({ stream: true, stream_options: { include_usage: true } }));
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.ok(chunks.at(-1).usage.completion_tokens > 0);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.choices.length && chunk.usage === null));
  },

  async several_prompts_and_choices(door) {
    const indexes = async (over) => (await createAt(door)(over)).choices.map((choice) => choice.index);
    assert.deepEqual(await indexes({ prompt: [prompt, "And the other one?"] }), [0, 1]);
    assert.deepEqual(await indexes({ n: 3 }), [0, 1, 2]);
  },

  async prompts_of_tokens(door) {
    const answer = await createAt(door)({ prompt: [1, 2, 3, 4, 5] });
    assert.ok(answer.choices[0].text);
    assert.equal(answer.usage.prompt_tokens, 5);
    if (door.upstream) assert.deepEqual((await door.seen()).body.prompt, [1, 2, 3, 4, 5]);
  },

  async ceiling(door) {
    const answer = await createAt(door)({ max_tokens: 5 });
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.usage.completion_tokens, 5);
  },

  async failures_inside_streams_are_raised(door) {
    for (const orders of [{ error_in_stream: 3 }, { cut_after: 3 }]) {
      await refused(APIError, () => createAt(door)({ stream: true, simulator: orders }), true);
    }
  },
};
