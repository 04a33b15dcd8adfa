// Chat completions, as an application makes them with the official Node.js client.

import assert from "node:assert/strict";
import { APIError, BadRequestError, InternalServerError, RateLimitError } from "openai";
import { collect, Lacks, refused } from "./harness.mjs";

const messages = [{ role: "user", content: "Tell me about the amber basin" }];
const both = [{ role: "user", content: "Use get_weather and get_time" }];

const createAt = (setup) => (over = {}, options = {}) =>
  setup.client.chat.completions.create({ model: setup.model(), messages, ...over }, options);
const chunksOf = async (setup, over = {}) => collect(await createAt(setup)({ stream: true, ...over }));
const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
const contentOf = async (setup, over = {}) => (await createAt(setup)(over)).choices[0].message.content;
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
  async plain(setup) {
    const answer = await createAt(setup)();
    assert.equal(answer.object, "chat.completion");
    assert.equal(answer.model, setup.model());
    assert.match(answer.choices[0].message.content, /amber basin/);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
    assert.ok(answer.usage.completion_tokens > 0);
  },

  async stream_says_the_same(setup) {
    const chunks = await chunksOf(setup);
    assert.ok(chunks.length > 2);
    assert.equal(textOf(chunks), await contentOf(setup));
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  },

  async usage_only_where_asked(setup) {
    assert.ok((await chunksOf(setup)).every((chunk) => chunk.choices.length && !chunk.usage));
    const asked = await chunksOf(setup, { stream_options: { include_usage: true } });
    assert.deepEqual(asked.at(-1).choices, []);
    assert.ok(asked.at(-1).usage.completion_tokens > 0);
    assert.ok(asked.slice(0, -1).every((chunk) => chunk.choices.length && chunk.usage === null));
  },

  async stream_helper(setup) {
    const final = await setup.client.chat.completions.stream({ model: setup.model(), messages }).finalContent();
    assert.equal(final, await contentOf(setup));
  },

  async tool(setup) {
    const question = [{ role: "user", content: "Use get_weather please" }];
    const [choice] = (await createAt(setup)({ messages: question, tools: [tools[0]] })).choices;
    assert.equal(choice.finish_reason, "tool_calls");
    const [call] = choice.message.tool_calls;
    assert.equal(call.function.name, "get_weather");
    assert.equal(typeof JSON.parse(call.function.arguments).city, "string");
    const history = [...question, choice.message, { role: "tool", tool_call_id: call.id, content: "rain" }];
    assert.ok(await contentOf(setup, { messages: history, tools: [tools[0]] }));
  },

  async parallel_tools(setup) {
    const calls = async (over) =>
      (await createAt(setup)({ messages: both, tools, ...over })).choices[0].message.tool_calls;
    assert.deepEqual((await calls()).map((call) => call.function.name), ["get_weather", "get_time"]);
    assert.equal((await calls({ parallel_tool_calls: false })).length, 1);
  },

  async streamed_tool_deltas(setup) {
    const whole = (await createAt(setup)({ messages: both, tools })).choices[0].message.tool_calls;
    const streamed = setup.client.chat.completions.stream({ model: setup.model(), messages: both, tools });
    const { tool_calls: calls } = await streamed.finalMessage();
    const said = (each) => each.map((call) => [call.function.name, call.function.arguments]);
    assert.deepEqual(said(calls), said(whole));
  },

  async json_schema(setup) {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, inhabitants: { type: "integer" } },
      required: ["name", "inhabitants"],
      additionalProperties: false,
    };
    const format = { type: "json_schema", json_schema: { name: "city", strict: true, schema } };
    const asked = { model: setup.model(), messages, response_format: format };
    const answer = await setup.client.chat.completions.parse(asked);
    assert.deepEqual(Object.keys(JSON.parse(answer.choices[0].message.content)).sort(), ["inhabitants", "name"]);
  },

  async images_and_audio(setup) {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${btoa("not really")}`, detail: "low" } },
      { type: "input_audio", input_audio: { data: btoa("not really"), format: "wav" } },
    ];
    assert.ok(await contentOf(setup, { messages: [{ role: "user", content }] }));
    if (setup.upstream) assert.deepEqual((await setup.seen()).body.messages, [{ role: "user", content }]);
  },

  async several_choices(setup) {
    const { choices } = await createAt(setup)({ n: 2 });
    assert.deepEqual(choices.map((choice) => choice.index), [0, 1]);
  },

  async logprobs(setup) {
    const [choice] = (await createAt(setup)({ logprobs: true, top_logprobs: 1 })).choices;
    assert.equal(choice.logprobs.content.map((token) => token.token).join(""), choice.message.content);
  },

  async stop(setup) {
    const whole = await contentOf(setup);
    const word = whole.split(" ")[8];
    assert.equal(await contentOf(setup, { stop: word }), whole.slice(0, whole.indexOf(word)));
  },

  async ceiling(setup) {
    const answer = await createAt(setup)({ max_completion_tokens: 5 });
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.usage.completion_tokens, 5);
  },

  async seed(setup) {
    assert.equal(await contentOf(setup, { seed: 7 }), await contentOf(setup, { seed: 7 }));
    if (setup.upstream) assert.equal((await setup.seen()).body.seed, 7);
  },

  async reasoning_effort(setup) {
    const answer = await createAt(setup)({ reasoning_effort: "low" });
    assert.ok(answer.usage.completion_tokens_details.reasoning_tokens > 0);
  },

  async unknown_parameters_reach_the_upstream(setup) {
    const unheard = { invented_tomorrow: { deep: [1, 2.5, null, "\u00e9\u{1F600}"] } };
    assert.ok((await createAt(setup)(unheard)).choices.length);
    if (setup.upstream) assert.deepEqual((await setup.seen()).body, { ...unheard, model: setup.model(), messages });
  },

  async model_with_slash(setup) {
    assert.equal((await createAt(setup)({ model: "azure/gpt-4o" })).model, "azure/gpt-4o");
  },

  async refusals(setup) {
    const wrong = await refused(BadRequestError, () => createAt(setup)({ messages: "not a list" }));
    assert.deepEqual([wrong.param, wrong.type], ["messages", "invalid_request_error"]);
  },

  async upstream_errors(setup) {
    const create = createAt(setup);
    await refused(RateLimitError, () => create(order({ status: 429 }, { stream: true })), true);
    await refused(InternalServerError, () => create(order({ status: 500 })));
    await refused(InternalServerError, () => create(order({ html: true })));
  },

  async failures_inside_streams_are_raised(setup) {
    for (const orders of [{ error_in_stream: 3 }, { cut_after: 3 }]) {
      await refused(APIError, () => createAt(setup)(order(orders, { stream: true })), true);
    }
  },

  async request_ids(setup) {
    const create = createAt(setup);
    assert.ok((await create())._request_id);
    assert.equal((await create({}, { headers: { "X-Request-Id": "mine-1" } }))._request_id, "mine-1");
    const { request_id: id } = await create({ stream: true }).withResponse();
    assert.ok(id);
  },

  async_client() {
    throw new Lacks("there is only one, and it is asynchronous");
  },

  async aborting_a_stream_leaves_the_server_well(setup) {
    for await (const chunk of await createAt(setup)(order({ tokens: 2000, tps: 100 }, { stream: true }))) {
      assert.ok(chunk.choices);
      break;
    }
    assert.ok((await createAt(setup)()).choices.length);
  },
};
