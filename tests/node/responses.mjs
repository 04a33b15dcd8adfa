// Responses, as an application makes them: plain, streamed, with tools, with reasoning, with files.

import assert from "node:assert/strict";
import { BadRequestError } from "openai";
import { collect, Lacks, refused } from "./harness.mjs";

const input = "Tell me about the amber basin";
const question = [{ role: "user", content: "Use get_weather please" }];
const tool = {
  type: "function",
  name: "get_weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: false,
};
const schema = {
  type: "object",
  properties: { name: { type: "string" }, inhabitants: { type: "integer" } },
  required: ["name", "inhabitants"],
  additionalProperties: false,
};

export const createAt = (setup) => (over = {}) => setup.client.responses.create({ model: setup.model(), input, ...over });
export const eventsOf = async (setup, over = {}) => collect(await createAt(setup)({ stream: true, ...over }));
const deltas = (events, type) => events.filter((event) => event.type === type).map((event) => event.delta).join("");

function inOrder(events) {
  const [first] = events;
  events.forEach((event, index) => assert.equal(event.sequence_number, first.sequence_number + index));
}

export default {
  async plain(setup) {
    const answer = await createAt(setup)();
    assert.match(answer.id, /^resp_/);
    assert.deepEqual([answer.object, answer.status, answer.model], ["response", "completed", setup.model()]);
    assert.match(answer.output_text, /amber basin/);
    assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
  },

  async stream_says_the_same(setup) {
    const events = await eventsOf(setup);
    assert.deepEqual([events[0].type, events.at(-1).type], ["response.created", "response.completed"]);
    inOrder(events);
    assert.equal(deltas(events, "response.output_text.delta"), (await createAt(setup)()).output_text);
    assert.equal(events[0].response.id, events.at(-1).response.id);
    assert.ok(events.at(-1).response.usage.output_tokens > 0);
  },

  async stream_helper(setup) {
    const final = await setup.client.responses.stream({ model: setup.model(), input }).finalResponse();
    assert.equal(final.output_text, (await createAt(setup)()).output_text);
  },

  async structured_output(setup) {
    const format = { type: "json_schema", name: "city", strict: true, schema };
    const answer = await setup.client.responses.parse({ model: setup.model(), input, text: { format } });
    assert.deepEqual(Object.keys(JSON.parse(answer.output_text)).sort(), ["inhabitants", "name"]);
  },

  async tools_round_trip(setup) {
    const create = createAt(setup);
    const first = await create({ input: question, tools: [tool] });
    const [call] = first.output.filter((item) => item.type === "function_call");
    assert.equal(call.name, "get_weather");
    assert.equal(typeof JSON.parse(call.arguments).city, "string");
    const result = { type: "function_call_output", call_id: call.call_id, output: "rain" };
    assert.ok((await create({ input: [...question, ...first.output, result], tools: [tool] })).output_text);
    assert.ok((await create({ input: [result], previous_response_id: first.id, tools: [tool] })).output_text);
  },

  async streamed_tool_deltas(setup) {
    const { output } = await createAt(setup)({ input: question, tools: [tool] });
    const [whole] = output.filter((item) => item.type === "function_call");
    const events = await eventsOf(setup, { input: question, tools: [tool] });
    assert.equal(deltas(events, "response.function_call_arguments.delta"), whole.arguments);
    inOrder(events);
  },

  async previous_response(setup) {
    const create = createAt(setup);
    const first = await create();
    const second = await create({ input: "And then?", previous_response_id: first.id });
    assert.equal(second.previous_response_id, first.id);
    if (setup.upstream) assert.notEqual((await setup.seen()).body.previous_response_id, first.id);
    assert.ok(second.usage.input_tokens > (await create({ input: "And then?" })).usage.input_tokens);
    const error = await refused(BadRequestError, () => create({ previous_response_id: "resp_unheard_of" }));
    assert.deepEqual([error.code, error.param], ["previous_response_not_found", "previous_response_id"]);
  },

  async encrypted_reasoning(setup) {
    const asked = { store: false, include: ["reasoning.encrypted_content"], reasoning: { effort: "low" } };
    const first = await createAt(setup)(asked);
    assert.ok(first.usage.output_tokens_details.reasoning_tokens > 0);
    const [reasoning] = first.output.filter((item) => item.type === "reasoning");
    assert.ok(reasoning.encrypted_content);
    const message = { role: "user", content: "And then?" };
    assert.ok((await createAt(setup)({ ...asked, input: [...first.output, message] })).output_text);
    if (setup.upstream) {
      const [sent] = (await setup.seen()).body.input.filter((item) => item.type === "reasoning");
      assert.ok(reasoning.encrypted_content.endsWith(sent.encrypted_content));
      assert.ok(!sent.encrypted_content.includes("llmproxy"));
    }
  },

  async images_and_files(setup) {
    const content = [
      { type: "input_text", text: "What is this?" },
      { type: "input_image", image_url: `data:image/png;base64,${btoa("not really")}`, detail: "low" },
      { type: "input_file", filename: "a.pdf", file_data: `data:application/pdf;base64,${btoa("%PDF not really")}` },
    ];
    const messages = [{ role: "user", content }];
    assert.ok((await createAt(setup)({ input: messages })).output_text);
    if (setup.upstream) assert.deepEqual((await setup.seen()).body.input, messages);
  },

  async ceiling(setup) {
    const answer = await createAt(setup)({ max_output_tokens: 16 });
    assert.deepEqual([answer.status, answer.incomplete_details.reason], ["incomplete", "max_output_tokens"]);
    assert.equal((await eventsOf(setup, { max_output_tokens: 16 })).at(-1).type, "response.incomplete");
  },

  async unknown_parameters_reach_the_upstream(setup) {
    const unheard = { invented_tomorrow: { deep: [1, 2.5, null, "\u00e9\u{1F600}"] } };
    assert.ok((await createAt(setup)(unheard)).output_text);
    if (setup.upstream) assert.deepEqual((await setup.seen()).body, { ...unheard, model: setup.model(), input });
  },

  async failures_inside_streams_are_its_last_event(setup) {
    for (const simulator of [{ error_in_stream: 6 }, { cut_after: 6 }]) {
      const events = await eventsOf(setup, { simulator });
      assert.equal(events.at(-1).type, "response.failed");
      assert.ok(events.at(-1).response.error.message);
      inOrder(events);
    }
  },

  async_client() {
    throw new Lacks("there is only one, and it is asynchronous");
  },
};
