// Chat completions, as an application makes them with the official Node.js client.

import assert from "node:assert/strict";
import { APIError, BadRequestError, InternalServerError, RateLimitError } from "openai";
import { collect, Lacks, refused } from "./harness.mjs";

const messages = [{ role: "user", content: "Tell me about the amber basin" }];
const both = [{ role: "user", content: "Use get_weather and get_time" }];

const createAt = (door) => (over = {}, options = {}) =>
  door.client.chat.completions.create({ model: door.model(), messages, ...over }, options);
const chunksOf = async (door, over = {}) => collect(await createAt(door)({ stream: true, ...over }));
const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
const contentOf = async (door, over = {}) => (await createAt(door)(over)).choices[0].message.content;
const order = (orders, over = {}) => ({ ...over, simulator: orders });
const tool = (name) => ({
  type: "function",
  function: {
    name,
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
});
const tools = [tool("get_weather"), tool("get_time")];

export default {
  async plain(door) {
    const answer = await createAt(door)();
    assert.equal(answer.object, "chat.completion");
    assert.equal(answer.model, door.model());
    assert.match(answer.choices[0].message.content, /amber basin/);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
    assert.ok(answer.usage.completion_tokens > 0);
  },

  async stream_says_the_same(door) {
    const chunks = await chunksOf(door);
    assert.ok(chunks.length > 2);
    assert.equal(textOf(chunks), await contentOf(door));
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  },

  async usage_only_where_asked(door) {
    assert.ok((await chunksOf(door)).every((chunk) => chunk.choices.length && !chunk.usage));
    const asked = await chunksOf(door, { stream_options: { include_usage: true } });
    assert.deepEqual(asked.at(-1).choices, []);
    assert.ok(asked.at(-1).usage.completion_tokens > 0);
    assert.ok(asked.slice(0, -1).every((chunk) => chunk.choices.length && chunk.usage === null));
  },

  async stream_helper(door) {
    const final = await door.client.chat.completions.stream({ model: door.model(), messages }).finalContent();
    assert.equal(final, await contentOf(door));
  },

  async tool(door) {
    const question = [{ role: "user", content: "Use get_weather please" }];
    const [choice] = (await createAt(door)({ messages: question, tools: [tools[0]] })).choices;
    assert.equal(choice.finish_reason, "tool_calls");
    const [call] = choice.message.tool_calls;
    assert.equal(call.function.name, "get_weather");
    assert.equal(typeof JSON.parse(call.function.arguments).city, "string");
    const history = [...question, choice.message, { role: "tool", tool_call_id: call.id, content: "rain" }];
    assert.ok(await contentOf(door, { messages: history, tools: [tools[0]] }));
  },

  async parallel_tools(door) {
    const calls = async (over) =>
      (await createAt(door)({ messages: both, tools, ...over })).choices[0].message.tool_calls;
    assert.deepEqual((await calls()).map((call) => call.function.name), ["get_weather", "get_time"]);
    assert.equal((await calls({ parallel_tool_calls: false })).length, 1);
  },

  async streamed_tool_deltas(door) {
    const whole = (await createAt(door)({ messages: both, tools })).choices[0].message.tool_calls;
    const streamed = door.client.chat.completions.stream({ model: door.model(), messages: both, tools });
    const { tool_calls: calls } = await streamed.finalMessage();
    const said = (each) => each.map((call) => [call.function.name, call.function.arguments]);
    assert.deepEqual(said(calls), said(whole));
  },

  async json_schema(door) {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, inhabitants: { type: "integer" } },
      required: ["name", "inhabitants"],
      additionalProperties: false,
    };
    const format = { type: "json_schema", json_schema: { name: "city", strict: true, schema } };
    const asked = { model: door.model(), messages, response_format: format };
    const answer = await door.client.chat.completions.parse(asked);
    assert.deepEqual(Object.keys(JSON.parse(answer.choices[0].message.content)).sort(), ["inhabitants", "name"]);
  },

  async images_and_audio(door) {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${btoa("not really")}`, detail: "low" } },
      { type: "input_audio", input_audio: { data: btoa("not really"), format: "wav" } },
    ];
    assert.ok(await contentOf(door, { messages: [{ role: "user", content }] }));
    if (door.upstream) assert.deepEqual((await door.seen()).body.messages, [{ role: "user", content }]);
  },

  async several_choices(door) {
    const { choices } = await createAt(door)({ n: 2 });
    assert.deepEqual(choices.map((choice) => choice.index), [0, 1]);
  },

  async logprobs(door) {
    const [choice] = (await createAt(door)({ logprobs: true, top_logprobs: 1 })).choices;
    assert.equal(choice.logprobs.content.map((token) => token.token).join(""), choice.message.content);
  },

  async stop(door) {
    const whole = await contentOf(door);
    const word = whole.split(" ")[8];
    assert.equal(await contentOf(door, { stop: word }), whole.slice(0, whole.indexOf(word)));
  },

  async ceiling(door) {
    const answer = await createAt(door)({ max_completion_tokens: 5 });
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.usage.completion_tokens, 5);
  },

  async seed(door) {
    assert.equal(await contentOf(door, { seed: 7 }), await contentOf(door, { seed: 7 }));
    if (door.upstream) assert.equal((await door.seen()).body.seed, 7);
  },

  async reasoning_effort(door) {
    const answer = await createAt(door)({ reasoning_effort: "low" });
    assert.ok(answer.usage.completion_tokens_details.reasoning_tokens > 0);
  },

  async unknown_parameters_reach_the_upstream(door) {
    const unheard = { invented_tomorrow: { deep: [1, 2.5, null, "\u00e9\u{1F600}"] } };
    assert.ok((await createAt(door)(unheard)).choices.length);
    if (door.upstream) assert.deepEqual((await door.seen()).body, { ...unheard, model: door.model(), messages });
  },

  async model_with_slash(door) {
    assert.equal((await createAt(door)({ model: "azure/gpt-4o" })).model, "azure/gpt-4o");
  },

  async refusals(door) {
    const wrong = await refused(BadRequestError, () => createAt(door)({ messages: "not a list" }));
    assert.deepEqual([wrong.param, wrong.type], ["messages", "invalid_request_error"]);
  },

  async upstream_errors(door) {
    const create = createAt(door);
    await refused(RateLimitError, () => create(order({ status: 429 }, { stream: true })), true);
    await refused(InternalServerError, () => create(order({ status: 500 })));
    await refused(InternalServerError, () => create(order({ html: true })));
  },

  async failures_inside_streams_are_raised(door) {
    for (const orders of [{ error_in_stream: 3 }, { cut_after: 3 }]) {
      await refused(APIError, () => createAt(door)(order(orders, { stream: true })), true);
    }
  },

  async request_ids(door) {
    const create = createAt(door);
    assert.ok((await create())._request_id);
    assert.equal((await create({}, { headers: { "X-Request-Id": "mine-1" } }))._request_id, "mine-1");
    const { request_id: id } = await create({ stream: true }).withResponse();
    assert.ok(id);
  },

  async_client() {
    throw new Lacks("there is only one, and it is asynchronous");
  },

  async aborting_a_stream_leaves_the_server_well(door) {
    for await (const chunk of await createAt(door)(order({ tokens: 2000, tps: 100 }, { stream: true }))) {
      assert.ok(chunk.choices);
      break;
    }
    assert.ok((await createAt(door)()).choices.length);
  },
};
