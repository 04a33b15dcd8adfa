// What an application does with the official Node.js client. Prints one JSON object: the name of each check with what
// went wrong, or null. Environment: BASE_URL, API_KEY, MODEL, and UPSTREAM where the model's upstream is a simulator.

import assert from "node:assert/strict";
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";

const { BASE_URL, API_KEY, MODEL: model, UPSTREAM } = process.env;
const client = new OpenAI({ baseURL: BASE_URL, apiKey: API_KEY, maxRetries: 0, timeout: 30_000 });
const messages = [{ role: "user", content: "Tell me about the amber basin" }];

const create = (over = {}, options = {}) => client.chat.completions.create({ model, messages, ...over }, options);
const chunksOf = async (over = {}) => collect(await create({ stream: true, ...over }));
const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
const seen = async () => (await (await fetch(`${UPSTREAM}/simulator/last`)).json()).body;
const tool = (name) => ({
  type: "function",
  function: {
    name,
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
});

async function collect(stream) {
  const found = [];
  for await (const each of stream) found.push(each);
  return found;
}

async function refused(kind, over) {
  try {
    const answer = await create(over);
    if (over.stream) await collect(answer);
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, String(error));
    return error;
  }
  throw new Error(`no ${kind.name} was thrown`);
}

const checks = {
  async plain() {
    const answer = await create();
    assert.equal(answer.object, "chat.completion");
    assert.equal(answer.model, model);
    assert.match(answer.choices[0].message.content, /amber basin/);
    assert.ok(answer.usage.total_tokens > 0);
  },

  async stream_says_the_same() {
    const chunks = await chunksOf();
    assert.ok(chunks.length > 2);
    assert.equal(textOf(chunks), (await create()).choices[0].message.content);
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  },

  async usage_only_where_asked() {
    assert.ok((await chunksOf()).every((chunk) => chunk.choices.length && !chunk.usage));
    const asked = await chunksOf({ stream_options: { include_usage: true } });
    assert.deepEqual(asked.at(-1).choices, []);
    assert.ok(asked.at(-1).usage.completion_tokens > 0);
    assert.ok(asked.slice(0, -1).every((chunk) => chunk.choices.length && chunk.usage === null));
  },

  async stream_helper() {
    const final = await client.chat.completions.stream({ model, messages }).finalContent();
    assert.equal(final, (await create()).choices[0].message.content);
  },

  async tools() {
    const question = [{ role: "user", content: "Use get_weather and get_time" }];
    const tools = [tool("get_weather"), tool("get_time")];
    const [choice] = (await create({ messages: question, tools })).choices;
    assert.equal(choice.finish_reason, "tool_calls");
    assert.deepEqual(choice.message.tool_calls.map((call) => call.function.name), ["get_weather", "get_time"]);
    const streamed = client.chat.completions.stream({ model, messages: question, tools });
    const { tool_calls: calls } = await streamed.finalMessage();
    assert.deepEqual(
      calls.map((call) => [call.function.name, call.function.arguments]),
      choice.message.tool_calls.map((call) => [call.function.name, call.function.arguments]),
    );
    const replies = choice.message.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "rain" }));
    const final = await create({ messages: [...question, choice.message, ...replies], tools });
    assert.ok(final.choices[0].message.content);
  },

  async json_schema() {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, inhabitants: { type: "integer" } },
      required: ["name", "inhabitants"],
      additionalProperties: false,
    };
    const format = { type: "json_schema", json_schema: { name: "city", strict: true, schema } };
    const answer = await client.chat.completions.parse({ model, messages, response_format: format });
    const city = JSON.parse(answer.choices[0].message.content);
    assert.deepEqual(Object.keys(city).sort(), ["inhabitants", "name"]);
  },

  async images_and_audio() {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${btoa("not really")}`, detail: "low" } },
      { type: "input_audio", input_audio: { data: btoa("not really"), format: "wav" } },
    ];
    assert.ok((await create({ messages: [{ role: "user", content }] })).choices[0].message.content);
    if (UPSTREAM) assert.deepEqual((await seen()).messages, [{ role: "user", content }]);
  },

  async several_choices_and_logprobs() {
    const { choices } = await create({ n: 2, logprobs: true, top_logprobs: 1 });
    assert.deepEqual(choices.map((choice) => choice.index), [0, 1]);
    for (const choice of choices) {
      assert.equal(choice.logprobs.content.map((token) => token.token).join(""), choice.message.content);
    }
  },

  async stop_and_seed() {
    const whole = (await create({ seed: 7 })).choices[0].message.content;
    const word = whole.split(" ")[8];
    const stopped = (await create({ seed: 7, stop: word })).choices[0].message.content;
    assert.equal(stopped, whole.slice(0, whole.indexOf(word)));
    if (UPSTREAM) assert.equal((await seen()).seed, 7);
  },

  async reasoning_effort() {
    const answer = await create({ reasoning_effort: "low" });
    assert.ok(answer.usage.completion_tokens_details.reasoning_tokens > 0);
  },

  async unknown_parameters_reach_the_upstream() {
    const unheard = { invented_tomorrow: { deep: [1, 2.5, null, "\u00e9\u{1F600}"] } };
    assert.ok((await create(unheard)).choices.length);
    if (UPSTREAM) assert.deepEqual(await seen(), { ...unheard, model, messages });
  },

  async models() {
    const ids = (await collect(await client.models.list())).map((each) => each.id);
    assert.ok(ids.includes(model) && ids.includes("azure/gpt-4o") && !ids.includes("private"));
    await assert.rejects(client.models.retrieve("private"), NotFoundError);
    assert.equal((await client.models.retrieve("azure/gpt-4o")).id, "azure/gpt-4o");
  },

  async wrong_key() {
    const other = new OpenAI({ baseURL: BASE_URL, apiKey: "sk-wrong", maxRetries: 0 });
    const error = await other.chat.completions.create({ model, messages }).catch((caught) => caught);
    assert.ok(error instanceof AuthenticationError);
    assert.equal(error.code, "invalid_api_key");
    assert.ok(error.requestID);
  },

  async refusals() {
    const unknown = await refused(NotFoundError, { model: "nobody-knows" });
    assert.deepEqual([unknown.code, unknown.param, unknown.type], ["model_not_found", "model", "invalid_request_error"]);
    assert.equal((await refused(BadRequestError, { messages: "not a list" })).param, "messages");
  },

  async upstream_errors() {
    const limited = await refused(RateLimitError, { simulator: { status: 429, retry_after: 2 } });
    assert.equal(limited.headers.get("retry-after"), "2");
    await refused(RateLimitError, { stream: true, simulator: { status: 429 } });
    await refused(InternalServerError, { simulator: { status: 500 } });
    await refused(InternalServerError, { simulator: { html: true } });
  },

  async failures_inside_streams_are_thrown() {
    await refused(APIError, { stream: true, simulator: { error_in_stream: 3 } });
    await refused(APIError, { stream: true, simulator: { cut_after: 3 } });
  },

  async request_ids() {
    assert.ok((await create())._request_id);
    assert.equal((await create({}, { headers: { "X-Request-Id": "mine-1" } }))._request_id, "mine-1");
    const { request_id: id } = await create({ stream: true }).withResponse();
    assert.ok(id);
  },

  async aborting_a_stream_leaves_the_server_well() {
    const stream = await create({ stream: true, simulator: { tokens: 2000, tps: 100 } });
    for await (const chunk of stream) {
      assert.ok(chunk.choices);
      break;
    }
    assert.ok((await create()).choices.length);
  },
};

const found = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    found[name] = null;
  } catch (error) {
    found[name] = String(error.stack ?? error);
  }
}
console.log(JSON.stringify({ checks: found }));
